import type { Layout } from '@heed/core';
import type { Engine } from '../platform/engine.ts';

/** Arguments that describe the result of the earlier tiles. */
export interface Previous {
  readonly previous: unknown;
  readonly hasPrevious: number;
}

/** Adds a tile to a result. Frees the previous result, which is null for the first tile. */
export async function replaced(
  engine: Engine,
  before: unknown,
  launch: (previous: Previous) => Promise<unknown>,
): Promise<unknown> {
  if (before !== null) {
    const after = await launch({ previous: before, hasPrevious: 1 });
    engine.free(before);
    return after;
  }
  const nothing = await engine.upload(new Float32Array(1));
  try {
    return await launch({ previous: nothing, hasPrevious: 0 });
  } finally {
    engine.free(nothing);
  }
}

/** Threads for the elements of a tensor `[B, H, L, D]` in a layout: see the program `attended`. */
export function rowShape(
  layout: Layout,
  [batch, heads, length, depth]: readonly [number, number, number, number],
): number[] {
  return layout === 'bhld' ? [depth, length, batch * heads] : [depth, length * heads, batch];
}

import type { Layout } from '@heed/core';
import type { Engine } from '../platform/engine.ts';

/** What a program is told of the result of the tiles before. */
export interface Previous {
  readonly previous: unknown;
  readonly hasPrevious: number;
}

/** A result with one more tile in it. The result before is freed; null when there is none. */
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

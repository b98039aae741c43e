import type { AttentionInputs, AttentionProblem } from '@heed/core';
import type { Engine, Tensors, Tf } from '../platform/engine.ts';
import type { Held } from './held.ts';
import type { Native } from './memory.ts';

/** Tensors from the problem's layout to `[B, H, L, D]`, or back: in layout `blhd` the two axes change places. */
export function turned<T extends Tensors>(tf: Tf, { layout }: AttentionProblem, tensors: T): T {
  if (layout === 'bhld') return tensors;
  const entries = Object.entries(tensors).map(([name, tensor]) => [name, tf.transpose(tensor, [0, 2, 1, 3])]);
  return Object.fromEntries(entries) as T;
}

/** Same as {@link turned}, for tensors that are needed across turns of the event loop. */
export function turnedAndHeld<T extends Tensors>(
  { tf, compute }: Engine,
  held: Held,
  problem: AttentionProblem,
  tensors: T,
): T {
  return problem.layout === 'bhld' ? tensors : held.add(compute(() => turned(tf, problem, tensors)));
}

/** The inputs that depend on the layout. */
export function inLayout({ query, key, value }: AttentionInputs<Native>): Readonly<Record<string, Native>> & {
  readonly query: Native;
  readonly key: Native;
  readonly value: Native;
} {
  return { query, key, value };
}

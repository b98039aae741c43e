import type { AttentionProblem } from '@heed/core';
import type { Tensor as TfTensor } from '@tensorflow/tfjs-node';
import type { Engine, Tensors } from './engine.ts';
import type { Held } from './held.ts';

/** Between `[B, H, L, D]` and `[B, L, H, D]`; either way is the same. */
export function turned({ tf }: Engine, { layout }: AttentionProblem, tensor: TfTensor): TfTensor {
  return layout === 'bhld' ? tensor : tf.transpose(tensor, [0, 2, 1, 3]);
}

/** The named tensors as `[B, H, L, D]`; the others as they are. */
export function headMajor<T extends object>(
  engine: Engine,
  held: Held,
  problem: AttentionProblem,
  tensors: T,
  names: readonly (keyof T)[],
): T {
  if (problem.layout === 'bhld') return tensors;
  const make = (): Tensors =>
    Object.fromEntries(names.map((name) => [name, turned(engine, problem, tensors[name] as TfTensor)]));
  return { ...tensors, ...held.add(engine.compute(make)) };
}

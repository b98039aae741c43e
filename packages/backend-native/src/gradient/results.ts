import type { AttentionInputs, Tensor } from '@heed/core';
import { sizeOf } from '@heed/core/backend';
import type { Tensors } from '../forward/results.ts';
import type { Memory } from '../memory/memory.ts';

/** Makes the results of a gradient run: each gradient has the form of its input. */
export function gradientResults(
  memory: Memory,
  { query, key, value, bias, sinks }: AttentionInputs<Tensor>,
): Tensors {
  const zeros = ({ dtype, shape }: Tensor): Tensor => memory.zeros(dtype, shape);
  // Without queries or keys, nothing is written.
  const isEmpty = [query, key, value].some(({ shape }) => sizeOf(shape) === 0);
  const written = isEmpty ? zeros : ({ dtype, shape }: Tensor): Tensor => memory.result(dtype, shape);
  return {
    dQuery: written(query),
    dKey: written(key),
    dValue: written(value),
    // Sums: several heads add to the same numbers.
    ...(bias && { dBias: zeros(bias) }),
    ...(sinks && { dSinks: zeros(sinks) }),
  };
}

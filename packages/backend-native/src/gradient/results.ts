import type { AttentionInputs, Tensor } from '@heed/core';
import type { Tensors } from '../forward/results.ts';
import type { Memory } from '../memory/memory.ts';

/** Makes the results of a gradient run: each gradient has the form of its input. */
export function gradientResults(
  memory: Memory,
  { query, key, value, bias, sinks }: AttentionInputs<Tensor>,
): Tensors {
  const like = ({ dtype, shape }: Tensor): Tensor => memory.zeros(dtype, shape);
  return {
    dQuery: like(query),
    dKey: like(key),
    dValue: like(value),
    ...(bias && { dBias: like(bias) }),
    ...(sinks && { dSinks: like(sinks) }),
  };
}

import type { AttentionInputs, Tensor } from '@heed/core';
import { zeros } from '@heed/core/backend';
import type { Tensors } from '../forward/results.ts';

/** Makes the results of a gradient run: each gradient has the form of its input. */
export function gradientResults({ query, key, value, bias, sinks }: AttentionInputs<Tensor>): Tensors {
  const like = ({ dtype, shape }: Tensor): Tensor => zeros(dtype, shape);
  return {
    dQuery: like(query),
    dKey: like(key),
    dValue: like(value),
    ...(bias && { dBias: like(bias) }),
    ...(sinks && { dSinks: like(sinks) }),
  };
}

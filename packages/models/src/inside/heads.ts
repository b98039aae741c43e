import type { Tensor } from '@heed/core';
import { sizeOf, zeros } from '@heed/core/backend';

/** Some heads of `[B, H, …]`, in the order in which they are named: `[B, n, …]`. */
export function takeHeads(tensor: Tensor<'float32'>, heads: readonly number[]): Tensor<'float32'> {
  const [batch, all, ...rest] = tensor.shape;
  const size = sizeOf(rest);
  const result = zeros('float32', [batch, heads.length, ...rest]);
  for (let b = 0; b < batch; b++) {
    heads.forEach((head, n) => {
      const from = (b * all + head) * size;
      result.data.set(tensor.data.subarray(from, from + size), (b * heads.length + n) * size);
    });
  }
  return result;
}

/** Overwrites heads of `[B, H, …]` by `[B, n, …]`. */
export function putHeads(into: Tensor<'float32'>, heads: readonly number[], part: Tensor<'float32'>): void {
  const [batch, all, ...rest] = into.shape;
  const size = sizeOf(rest);
  for (let b = 0; b < batch; b++) {
    heads.forEach((head, n) => {
      const from = (b * heads.length + n) * size;
      into.data.set(part.data.subarray(from, from + size), (b * all + head) * size);
    });
  }
}

/** The first keys of weights `[B, n, Lq, Lk]`. */
export function firstKeys(weights: Tensor<'float32'>, keys: number): Tensor<'float32'> {
  const length = weights.shape[3];
  if (length === keys) return weights;
  const result = zeros('float32', [...weights.shape.slice(0, 3), keys]);
  for (let row = 0; row * keys < result.data.length; row++) {
    result.data.set(weights.data.subarray(row * length, row * length + keys), row * keys);
  }
  return result;
}

import { type ComputeDType, type Tensor, tensor } from '@heed/core';
import { sizeOf } from '@heed/core/backend';

/** A tensor whose elements are drawn one by one, in order. */
export function numbersOf(dtype: ComputeDType, shape: readonly number[], draw: () => number): Tensor {
  const data = Array.from({ length: sizeOf(shape) }, draw);
  return tensor(dtype === 'float64' ? Float64Array.from(data) : Float32Array.from(data), shape) as Tensor;
}

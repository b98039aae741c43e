import { tensor } from '@heed/core';
import type { FloatTensor } from '@heed/layers';

/** float32 zeros. */
export function zeros(shape: readonly number[]): FloatTensor {
  return tensor(new Float32Array(shape.reduce((size, length) => size * length, 1)), shape);
}

/** The elementwise sum. */
export function plus(a: FloatTensor, b: FloatTensor): FloatTensor {
  const result = zeros(a.shape);
  for (let n = 0; n < result.data.length; n++) result.data[n] = a.data[n] + b.data[n];
  return result;
}

export function reshape(value: FloatTensor, shape: readonly number[]): FloatTensor {
  return { ...value, shape: [...shape] };
}

import { type Tensor, tensor } from '@heed/core';

/** A tensor of numbers that are all different, the same at each call. */
export function waves(shape: readonly number[], seed: number): Tensor<'float32'> {
  const size = shape.reduce((product, length) => product * length, 1);
  return tensor(
    Float32Array.from({ length: size }, (_, n) => Math.sin(seed + 1.7 * n)),
    shape,
  );
}

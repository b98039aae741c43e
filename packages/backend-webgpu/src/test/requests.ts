import { type AttentionRequest, type Tensor, tensor } from '@heed/core';

type Forward = Pick<AttentionRequest, 'query' | 'key' | 'value'>;

/** A tensor of numbers that are all different, the same at each call. */
export function waves(shape: readonly number[], seed: number): Tensor<'float32'> {
  const size = shape.reduce((product, length) => product * length, 1);
  return tensor(
    Float32Array.from({ length: size }, (_, n) => Math.sin(seed + 1.7 * n)),
    shape,
  );
}

/** Queries, keys and values of one length. */
export function selfAttention(length: number, heads = 2, depth = 8): Forward {
  const shape = [1, heads, length, depth];
  return { query: waves(shape, 1), key: waves(shape, 2), value: waves(shape, 3) };
}

import { type AttentionRequest, type Tensor, tensor } from '@heed/core';

/** The same numbers in every run. */
export function numbers(seed: number, ...shape: number[]): Tensor<'float32'> {
  let state = seed;
  const size = shape.reduce((product, length) => product * length, 1);
  const random = (): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 31 - 1;
  return tensor(Float32Array.from({ length: size }, random), shape);
}

/** Attention that takes one thread a good part of a second. */
export function longRequest(length = 4096): AttentionRequest & { gradient?: false } {
  const x = numbers(1, 1, 12, length, 64);
  return { query: x, key: numbers(2, 1, 12, length, 64), value: x };
}

import { type AttentionBackend, type AttentionRequest, type Tensor, attention, tensor } from '@heed/core';

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

/** Starts runs, each of the result before, which stays in the backend's memory: some are still to be computed at the end. */
export async function queueRuns(backend: AttentionBackend): Promise<void> {
  let x = await backend.upload(numbers(1, 1, 12, 256, 64));
  for (let n = 0; n < 8; n++) {
    const { output } = await attention(backend, { query: x, key: x, value: x }, { resident: true });
    x.dispose();
    x = output;
  }
}

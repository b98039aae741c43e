import type { AttentionBackend, ResidentTensor, Tensor } from '@heed/core';

/** Keys and values of a context. */
export interface Cache {
  readonly key: ResidentTensor;
  readonly value: ResidentTensor;
}

/** Keys in one write. */
const STEP = 16_384;

/** Puts numbers that look random, the same for each seed, into a tensor. */
export function fill({ data }: Tensor<'float32'>, seed: number): void {
  let state = seed >>> 0;
  for (let n = 0; n < data.length; n++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    data[n] = state / 2 ** 31 - 1;
  }
}

/** Size of a context. */
export interface Size {
  readonly keys: number;
  readonly heads: number;
  readonly depth: number;
}

/** Memory for the rows of one write. */
export function rowsFor({ keys, heads, depth }: Size): Tensor<'float32'> {
  const length = Math.min(keys, STEP);
  return {
    dtype: 'float32',
    shape: [1, heads, length, depth],
    data: new Float32Array(heads * length * depth),
  };
}

/** Writes caches of all keys, some at a time and from the same memory: nobody here has them as a whole. */
export async function filled(
  backend: AttentionBackend,
  { keys, heads, depth }: Size,
  rows: Tensor<'float32'> = rowsFor({ keys, heads, depth }),
): Promise<Cache> {
  const shape = [1, heads, keys, depth];
  const cache = {
    key: await backend.allocate('float32', shape),
    value: await backend.allocate('float32', shape),
  };
  const length = rows.shape[2]!;
  for (let start = 0; start < keys; start += length) {
    for (const [n, one] of [cache.key, cache.value].entries()) {
      fill(rows, 2 * start + n + 1);
      await one.write(rows, { axis: 2, start });
    }
  }
  return cache;
}

import { readFileSync } from 'node:fs';
import { type Tensor, tensor } from '@heed/core';
import { expect } from 'vitest';
import type { FloatTensor, StateDict } from '../index.ts';

/** A tensor as the scripts of this package write it. */
export interface Encoded {
  readonly dtype: 'float32' | 'float64' | 'int32' | 'bool';
  readonly shape: readonly number[];
  readonly data: string;
}

export type EncodedAll = Readonly<Record<string, Encoded>>;

/** A file of `cases/`. */
export function readCases<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../../cases/${name}.json`, import.meta.url), 'utf8')) as T;
}

const ARRAYS = { float32: Float32Array, float64: Float64Array, int32: Int32Array, bool: Uint8Array };

export function decode({ dtype, shape, data }: Encoded): Tensor {
  return tensor(new ARRAYS[dtype](bytesOf(data).buffer), shape) as Tensor;
}

export const bytesOf = (data: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(Buffer.from(data, 'base64'));

export const floats = (encoded: Encoded): FloatTensor => decode(encoded) as FloatTensor;

export function decodeAll(all: EncodedAll): StateDict {
  return Object.fromEntries(Object.entries(all).map(([name, encoded]) => [name, decode(encoded)]));
}

/** Largest difference of any element that is parity with PyTorch. */
export const TOLERANCE = 1e-5;

export function expectClose(
  name: string,
  actual: Tensor | undefined,
  expected: Tensor,
  tolerance: number = TOLERANCE,
): void {
  expect(actual?.shape, name).toEqual(expected.shape);
  const error = Math.max(0, ...Array.from(actual!.data, (value, n) => Math.abs(value - expected.data[n])));
  expect(error, name).toBeLessThanOrEqual(tolerance);
}

// Integers of a cache are multiplied before their scale (direct.h): their products with a large query must not overflow where the
// scores do not.
import { type AttentionRequest, type Tensor, attention, quantize, tensor } from '@heed/core';
import reference from '@heed/core/reference';
import { describe, expect, test } from 'vitest';
import native from '../index.ts';
import type { NativeOptions } from '../options.ts';
import { loadBinding } from '../platform/load.ts';
import { numbers } from '../test/long-run.ts';

const loaded = loadBinding();
const levels = 'binding' in loaded ? loaded.binding.levels().map(({ option }) => option) : [];
const KEYS = 40;
const DEPTH = 64;

const changed = (
  given: Tensor<'float32'>,
  change: (number: number, n: number) => number,
): Tensor<'float32'> => tensor(given.data.map(change), given.shape);

/** The first query times the integers of its keys, all positive, is more than float32 holds; with their scales it is some 30. */
function requestOf(type: 'int8' | 'int4x2', rows: number): AttentionRequest {
  const [large, small] = type === 'int8' ? [2 ** 122, 2 ** -118] : [2 ** 126, 2 ** -122];
  const key = quantize(changed(numbers(2, 1, 1, KEYS, DEPTH), Math.abs), type, { group: DEPTH });
  const value = quantize(numbers(3, 1, 1, KEYS, DEPTH), type, { group: DEPTH });
  return {
    query: changed(numbers(1, 1, rows, 1, DEPTH), (x, n) => (n < DEPTH ? Math.abs(x) * large : x)),
    key: key.numbers,
    keyScales: changed(key.scales, (scale) => scale * small),
    value: value.numbers,
    valueScales: value.scales,
  };
}

describe.each(levels)('a large query on %s', (option) => {
  test.each(
    (['int8', 'int4x2'] as const).flatMap((type) => [1, 2, 5, 7].map((rows) => [type, rows] as const)),
  )('%s, %i rows', async (type, rows) => {
    const request = requestOf(type, rows);
    const backend = await native.create({ threads: 1, level: option } as NativeOptions);
    const exact = await reference.create();
    const [ours, theirs] = [await attention(backend, request), await attention(exact, request)];
    await backend.dispose();
    const wanted = theirs.output!.data as Float32Array;
    for (const [n, x] of (ours.output!.data as Float32Array).entries())
      expect(Math.abs(x - wanted[n]!)).toBeLessThan(1e-4);
  });
});

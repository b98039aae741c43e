// Few query rows on keys in pages: the bits of keys in one piece, in every head.
import { type AttentionRequest, type Tensor, attention, tensor } from '@heed/core';
import { describe, expect, test } from 'vitest';
import native from '../index.ts';
import type { NativeOptions } from '../options.ts';
import { loadBinding } from '../platform/load.ts';
import { numbers } from '../test/long-run.ts';

const loaded = loadBinding();
const levels = 'binding' in loaded ? loaded.binding.levels().map(({ option }) => option) : [];

const PAGE = 16;
const PAGES = 70;
const KEYS = PAGE * PAGES;
const HEADS = 9;
const DEPTH = 64;

/** A page's place in the pool: an order that has nothing to do with the keys'. */
const placeOf = (page: number): number => (page * 37) % PAGES;

/** Keys or values `[1, HEADS, KEYS, DEPTH]` as a pool of pages. */
function paged({ data }: Tensor): Tensor {
  const pool = new Float32Array(data.length);
  for (let head = 0; head < HEADS; head++) {
    for (let page = 0; page < PAGES; page++) {
      const from = (head * KEYS + page * PAGE) * DEPTH;
      pool.set(
        (data as Float32Array).subarray(from, from + PAGE * DEPTH),
        (placeOf(page) * HEADS + head) * PAGE * DEPTH,
      );
    }
  }
  return tensor(pool, [PAGES, HEADS, PAGE, DEPTH]);
}

/** Expects the same bits of keys in pages as of keys in one piece. */
async function expectSame(request: AttentionRequest, options: NativeOptions): Promise<void> {
  const { key, value, ...others } = request as AttentionRequest & { key: Tensor; value: Tensor };
  const blockTable = tensor(
    Int32Array.from({ length: PAGES }, (_, page) => placeOf(page)),
    [1, PAGES],
  );
  const backend = await native.create(options);
  const whole = await attention(backend, { key, value, ...others });
  const inPages = await attention(backend, { key: paged(key), value: paged(value), blockTable, ...others });
  await backend.dispose();
  expect(inPages.output!.data.some((x) => x !== 0)).toBe(true);
  expect(inPages.output!.data).toEqual(whole.output!.data);
}

describe.each(levels)('heads on pages, %s', (level) => {
  const requestOf = (rows: number): AttentionRequest => ({
    query: numbers(1, 1, HEADS * rows, 1, DEPTH),
    key: numbers(2, 1, HEADS, KEYS, DEPTH),
    value: numbers(3, 1, HEADS, KEYS, DEPTH),
  });
  /** The request with something in place of a number of a value of the fourth head. */
  const spoiled = (rows: number, key: number, number: number): AttentionRequest => {
    const request = requestOf(rows);
    const data = (request.value as Tensor<'float32'>).data.slice();
    data[(3 * KEYS + key) * DEPTH + 1] = number;
    return { ...request, value: tensor(data, [1, HEADS, KEYS, DEPTH]) };
  };

  test.each([
    { rows: 1, threads: 1 },
    { rows: 5, threads: 1 },
    { rows: 7, threads: 1 },
    { rows: 8, threads: 2 },
  ])('$rows rows, $threads threads', async ({ rows, threads }) => {
    const options = { level, threads } as NativeOptions;
    const keyLengths = tensor(Int32Array.of(KEYS - 5), [1]);
    await expectSame(requestOf(rows), options);
    await expectSame(
      { ...requestOf(rows), keyLengths, alignment: 'bottomRight', window: { left: 700, right: 0 } },
      options,
    );
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY])(
    'a value of %d reaches its head alone',
    async (number) => {
      const options = { level, threads: 1 } as NativeOptions;
      await expectSame(spoiled(7, 600, number), options);
      const mask = tensor(
        Uint8Array.from({ length: KEYS }, (_, key) => +(key !== 600)),
        [KEYS],
      );
      await expectSame({ ...spoiled(7, 600, number), mask }, options);
    },
  );
});

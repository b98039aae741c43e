import ts from '@heed/backend-ts';
import { type CacheType, tensor } from '@heed/core';
import reference from '@heed/core/reference';
import { describe, expect, test } from 'vitest';
import { randomTensor } from '../../test/finite-differences.ts';
import { type FloatTensor, MultiHeadAttention, TransformerBlock, seededRandom } from '../../index.ts';

const [BATCH, LENGTH, WIDTH] = [2, 40, 8];
const WINDOW = { left: 3 };
const common = { embedDim: WIDTH, heads: 4, kvHeads: 2, rotary: {} } as const;
const layer = new MultiHeadAttention({ ...common, random: seededRandom(3) });
const { data, shape } = randomTensor([BATCH, LENGTH, WIDTH], 1);
const input = tensor(Float32Array.from(data), shape);

/** The tokens `start` to `end` of all sequences. */
function part({ shape: [batch, length, width], data: numbers }: FloatTensor, start: number, end: number) {
  const rows = Array.from({ length: batch }, (_, b) =>
    Array.from(numbers.subarray((b * length + start) * width, (b * length + end) * width)),
  );
  return tensor(Float32Array.from(rows.flat()), [batch, end - start, width]);
}

function largestDifference(a: FloatTensor, b: FloatTensor): number {
  expect(a.shape).toEqual(b.shape);
  return Math.max(...Array.from(a.data, (number, n) => Math.abs(number - b.data[n]!)));
}

describe.each([
  ['ts', await ts.create()],
  ['the reference', await reference.create()],
])('a ring of a layer on %s', (_, backend) => {
  test.each([
    ['float32', 1e-6],
    ['float16', 2e-3],
    ['int8', 3e-2],
  ] as const)('in parts of random lengths it is all at once: %s', async (type: CacheType, bound) => {
    const whole = await layer.forward(backend, { query: input, causal: true, window: WINDOW });
    for (let seed = 1; seed <= 8; seed++) {
      const random = seededRandom(seed);
      // Room for parts of one token to four, and some.
      const capacity = WINDOW.left + 4 + Math.floor(3 * random());
      const cache = await layer.cache(backend, { batch: BATCH, capacity, ring: true, type });
      for (let start = 0; start < LENGTH; start = cache.length) {
        const end = Math.min(LENGTH, start + 1 + Math.floor(4 * random()));
        const query = part(input, start, end);
        const { output } = await layer.forward(backend, { query, causal: true, window: WINDOW, cache });
        const difference = largestDifference(output, part(whole.output, start, end));
        expect(difference, `seed ${seed}, tokens ${start} to ${end}`).toBeLessThan(bound);
      }
      expect(cache).toMatchObject({ length: LENGTH, capacity });
      cache.dispose();
    }
  });

  test('what it does not keep any more is refused, and nothing is kept of the call', async () => {
    const cache = await layer.cache(backend, { batch: BATCH, capacity: 6, ring: true });
    const step = (start: number, end: number, window?: { left: number }): Promise<{ output: FloatTensor }> =>
      layer.forward(backend, { query: part(input, start, end), causal: true, window, cache });
    await step(0, 6); // without a window, as long as there is room for all
    for (const [end, window] of [
      [7, undefined],
      [10, WINDOW],
      [7, { left: 6 }],
    ] as const) {
      await expect(step(6, end, window)).rejects.toMatchObject({
        code: 'ARGUMENT',
        message: expect.stringMatching(/see token 0|see token 3/) as string,
      });
      expect(cache.length).toBe(6);
    }
    await step(6, 8, WINDOW); // takes the places of tokens 0 and 1
    cache.truncate(5);
    const whole = await layer.forward(backend, { query: input, causal: true, window: WINDOW });
    const { output } = await step(5, 6, WINDOW); // sees tokens 2 to 5
    expect(largestDifference(output, part(whole.output, 5, 6))).toBeLessThan(1e-6);
    cache.truncate(4);
    await expect(step(4, 5, WINDOW)).rejects.toMatchObject({
      message: expect.stringContaining('see token 1; the ring of 6 would keep those from 2 on') as string,
    });
    cache.truncate(0);
    const anew = await step(0, 4, WINDOW);
    expect(largestDifference(anew.output, part(whole.output, 0, 4))).toBeLessThan(1e-6);
    cache.dispose();
  });
});

test('a block streams through a ring', async () => {
  const backend = await ts.create();
  const block = new TransformerBlock({
    ...{ embedDim: WIDTH, heads: 4, attention: { rotary: {} } },
    random: seededRandom(5),
  });
  const whole = await block.forward(backend, { input, causal: true, window: WINDOW });
  const cache = await block.cache(backend, { batch: BATCH, capacity: WINDOW.left + 1, ring: true });
  for (let n = 0; n < LENGTH; n++) {
    const given = { input: part(input, n, n + 1), causal: true, window: WINDOW, cache };
    const { output } = await block.forward(backend, given);
    expect(largestDifference(output, part(whole.output, n, n + 1))).toBeLessThan(1e-5);
  }
  cache.dispose();
  await backend.dispose();
});

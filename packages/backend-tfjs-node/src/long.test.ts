import { attention, resolveRequest } from '@heed/core';
import { expect, test } from 'vitest';
import { numbers, onTensorflow } from './test/on-tensorflow.ts';

const LENGTH = 16_384;

onTensorflow(`${LENGTH} queries and keys of one head`, (setting) => {
  test('take tiles, never the whole of the scores, and other work gets its turn', async () => {
    const { tf, backend } = await setting();
    const [query, key, value] = [1, 2, 3].map((seed) => numbers(seed, 1, 1, LENGTH, 16)) as [
      never,
      never,
      never,
    ];
    const { problem } = resolveRequest({ query, key, value });
    const { plan } = await backend.compile(problem);
    const wholeScores = 4 * LENGTH ** 2;
    expect(plan.scratchBytes).toBeLessThan(wholeScores / 8);

    let peak = 0;
    let turns = 0;
    const watch = setInterval(() => {
      turns++;
      peak = Math.max(peak, tf.memory().numBytes);
    }, 0);
    const before = process.memoryUsage().rss;
    const { output } = await attention(backend, { query, key, value });
    const grown = process.memoryUsage().rss - before;
    clearInterval(watch);

    expect(turns).toBeGreaterThan(10);
    expect(peak).toBeLessThan(wholeScores / 16);
    expect(grown).toBeLessThan(wholeScores / 4);
    // Every row against the plain formula would be the whole work again: some rows are enough.
    for (const row of [0, 5000, LENGTH - 1]) {
      const one = await attention(backend, { query: rowOf(query, row), key, value });
      for (let d = 0; d < 16; d++) expect(output.data[row * 16 + d]).toBeCloseTo(one.output.data[d]!, 5);
    }
  });
});

onTensorflow('the gradient over a long window', (setting) => {
  test('takes no more than tiles, either', async () => {
    const { tf, backend } = await setting();
    const [query, key, value, dOutput] = [1, 2, 3, 4].map((seed) => numbers(seed, 1, 1, LENGTH, 16)) as [
      never,
      never,
      never,
      ReturnType<typeof numbers>,
    ];
    let peak = 0;
    const watch = setInterval(() => (peak = Math.max(peak, tf.memory().numBytes)), 0);
    const request = { query, key, value, window: { left: 100, right: 100 } } as const;
    const { gradient } = await attention(backend, { ...request, gradient: true });
    const { dQuery, dKey, dValue } = await gradient(dOutput);
    clearInterval(watch);
    expect(peak).toBeLessThan((4 * LENGTH ** 2) / 40);

    // Keys see rows at most 100 away: the gradients of a middle part are those of that part and its surroundings.
    const part = (tensor: ReturnType<typeof numbers>): ReturnType<typeof numbers> => ({
      ...tensor,
      shape: [1, 1, 600, 16],
      data: tensor.data.slice(8000 * 16, 8600 * 16),
    });
    const some = await attention(backend, {
      ...request,
      query: part(query),
      key: part(key),
      value: part(value),
      gradient: true,
    });
    const expected = await some.gradient(part(dOutput));
    const middle = (data: ArrayLike<number>, first: number): number[] =>
      Array.from({ length: 100 * 16 }, (_, n) => data[(first + 250) * 16 + n]!);
    for (const [whole, partial] of [
      [dQuery, expected.dQuery],
      [dKey, expected.dKey],
      [dValue, expected.dValue],
    ] as const) {
      const right = middle(partial.data, 0);
      middle(whole.data, 8000).forEach((number, n) => expect(number).toBeCloseTo(right[n]!, 5));
    }
  });
});

function rowOf(query: ReturnType<typeof numbers>, row: number): ReturnType<typeof numbers> {
  return { ...query, shape: [1, 1, 1, 16], data: query.data.slice(row * 16, row * 16 + 16) };
}

import ts from '@heed/backend-ts';
import { type AttentionBackend, HeedError, PagedCache, tensor } from '@heed/core';
import { describe, expect, test } from 'vitest';
import { randomTensor } from '../../test/finite-differences.ts';
import { type FloatTensor, MultiHeadAttention, TransformerBlock, seededRandom } from '../../index.ts';

const backend = await ts.create();
const [BATCH, LENGTH, WIDTH] = [2, 7, 8];
const input = randomTensor([BATCH, LENGTH, WIDTH], 1);

/** The tokens `start` to `end` of all sequences. */
function part({ shape: [batch, length, width], data }: FloatTensor, start: number, end: number): FloatTensor {
  const rows = Array.from({ length: batch }, (_, b) =>
    Array.from(data.subarray((b * length + start) * width, (b * length + end) * width)),
  );
  return tensor(Float64Array.from(rows.flat()), [batch, end - start, width]);
}

function expectSame(actual: FloatTensor, expected: FloatTensor): void {
  expect(actual.shape).toEqual(expected.shape);
  actual.data.forEach((value, n) => expect(value).toBeCloseTo(expected.data[n], 12));
}

const common = { embedDim: WIDTH, heads: 4, dtype: 'float64', random: seededRandom(3) } as const;
const layers = {
  plain: new MultiHeadAttention(common),
  'rotary, grouped, norms, sinks': new MultiHeadAttention({
    ...common,
    kvHeads: 2,
    rotary: {},
    queryKeyNorm: {},
    sinks: true,
  }),
};

describe.each(Object.entries(layers))('decoding with a cache: %s', (_, layer) => {
  test.each([{}, { window: { left: 2 } }])('token by token is all at once, %j', async (scope) => {
    const whole = await layer.forward(backend, { query: input, causal: true, ...scope });
    const cache = await layer.cache(backend, { batch: BATCH, capacity: LENGTH + 2 });
    for (const [start, end] of [
      [0, 3],
      [3, 4],
      [4, 6],
      [6, 7],
    ] as const) {
      const query = part(input, start, end);
      const { output } = await layer.forward(backend, { query, causal: true, cache, ...scope });
      expectSame(output, part(whole.output, start, end));
      expect(cache.length).toBe(end);
    }
    // Another continuation of the first tokens.
    cache.truncate(4);
    const again = await layer.forward(backend, { query: part(input, 4, 7), causal: true, cache, ...scope });
    expectSame(again.output, part(whole.output, 4, 7));
    cache.dispose();
  });
});

// Largest difference of outputs near 1: half a unit in the last place of the type, and some.
test.each([
  ['float32', 1e-6],
  ['float16', 2e-3],
  ['bfloat16', 2e-2],
  ['int8', 2e-2],
  ['int4x2', 0.3],
] as const)('a cache of %s', async (type, bound) => {
  const options = { ...common, dtype: 'float32' as const, random: seededRandom(4) };
  const layer = new MultiHeadAttention({ ...options, kvHeads: 2, embedDim: 128, heads: 4 });
  const { data, shape } = randomTensor([BATCH, LENGTH, 128], 3);
  const query = tensor(Float32Array.from(data), [...shape]);
  const whole = await layer.forward(backend, { query, causal: true });
  const cache = await layer.cache(backend, { batch: BATCH, capacity: LENGTH, type });
  const first = await layer.forward(backend, { query: cut(query, 0, 4), causal: true, cache });
  const second = await layer.forward(backend, { query: cut(query, 4, LENGTH), causal: true, cache });
  const expected = [cut(whole.output, 0, 4), cut(whole.output, 4, LENGTH)];
  [first, second].forEach(({ output }, n) => {
    const differences = [...output.data].map((x, at) => Math.abs(x - expected[n]!.data[at]!));
    const largest = Math.max(...differences);
    expect(largest).toBeLessThan(bound);
    // Not kept in float32 after all.
    if (type !== 'float32') expect(largest).toBeGreaterThan(1e-6);
  });
  cache.dispose();
});

/** The tokens `start` to `end` of all sequences, in float32. */
function cut(whole: FloatTensor, start: number, end: number): FloatTensor {
  const { data, shape } = part(whole, start, end);
  return tensor(Float32Array.from(data), [...shape]);
}

test('a cache that is too large for the memory leaves nothing behind', async () => {
  const disposed: string[] = [];
  let made = 0;
  const allocate: AttentionBackend['allocate'] = async (dtype, shape) => {
    if (made++ > 0) throw new HeedError('OUT_OF_MEMORY', 'no room');
    const first = await backend.allocate(dtype, shape);
    return { ...first, dispose: () => void disposed.push('first') } as typeof first;
  };
  await expect(layers.plain.cache({ ...backend, allocate }, { capacity: 2 })).rejects.toMatchObject({
    code: 'OUT_OF_MEMORY',
  });
  expect([made, disposed]).toEqual([2, ['first']]);
});

test('a type that the layer cannot have is refused', async () => {
  await expect(layers.plain.cache(backend, { capacity: 2, type: 'float16' })).rejects.toMatchObject({
    code: 'ARGUMENT',
    message: expect.stringContaining("expected 'float64'") as string,
  });
});

test('a block decodes by the cache of its self-attention', async () => {
  const block = new TransformerBlock({ ...common, attention: { rotary: {} }, cross: true });
  const memory = randomTensor([BATCH, 3, WIDTH], 2);
  const whole = await block.forward(backend, { input, memory, causal: true });
  const cache = await block.cache(backend, { batch: BATCH, capacity: LENGTH });
  for (let n = 0; n < LENGTH; n++) {
    const { output } = await block.forward(backend, {
      input: part(input, n, n + 1),
      memory,
      causal: true,
      cache,
    });
    expectSame(output, part(whole.output, n, n + 1));
  }
  cache.dispose();
});

test('weights and logSumExp are those of the keys so far', async () => {
  const layer = layers.plain;
  const cache = await layer.cache(backend, { batch: BATCH, capacity: LENGTH });
  const asked = { weights: true, logSumExp: true } as const;
  const query = part(input, 0, 4);
  const { weights, logSumExp } = await layer.forward(backend, { query, causal: true, cache }, asked);
  const plain = await layer.forward(backend, { query, causal: true }, asked);
  expect(weights.shape).toEqual([BATCH, 4, 4, LENGTH]);
  expectSame(logSumExp, plain.logSumExp);
  weights.data.forEach((value, n) => {
    const [row, j] = [Math.floor(n / LENGTH), n % LENGTH];
    expect(value).toBeCloseTo(j < 4 ? plain.weights.data[row * 4 + j] : 0, 12);
  });
  cache.dispose();
});

test('options that are undefined are those left out', async () => {
  const left = { batch: undefined, type: undefined };
  const cache = await layers.plain.cache(backend, { capacity: 2, ...left });
  const query = randomTensor([1, 2, WIDTH], 1);
  const { output } = await layers.plain.forward(backend, { query, causal: true, cache });
  expectSame(output, (await layers.plain.forward(backend, { query, causal: true })).output);
  cache.dispose();

  const book = new PagedCache({ pages: 1, pageSize: 2 });
  const pools = await layers.plain.pools(backend, { book, type: undefined });
  pools.dispose();
});

test('what does not go with a cache is refused, and nothing is kept of it', async () => {
  const layer = layers.plain;
  const cache = await layer.cache(backend, { batch: BATCH, capacity: 3 });
  const query = part(input, 0, 2);
  await layer.forward(backend, { query, causal: true, cache });
  const refused: [string, () => Promise<unknown>][] = [
    ['cannot append 2 more', () => layer.forward(backend, { query, cache })],
    ['another layer', () => layers['rotary, grouped, norms, sinks'].forward(backend, { query, cache })],
    ['another layer', () => layer.forward(backend, { query: randomTensor([1, 1, WIDTH], 1), cache })],
    ['unexpected key beside a cache', () => layer.forward(backend, { query, key: query, cache })],
    [
      'unexpected keyLengths beside a cache',
      () => layer.forward(backend, { query, keyLengths: [1, 1], cache }),
    ],
    [
      'unexpected gradient beside a cache',
      () => layer.forward(backend, { query, cache }, { gradient: true }),
    ],
    ['cache is', () => layer.forward(backend, { query, cache: {} as never })],
    ['capacity', () => layer.cache(backend, { capacity: 0 })],
    ['length', async () => cache.truncate(3)],
  ];
  for (const [words, work] of refused) {
    await expect(work(), words).rejects.toMatchObject({
      code: 'ARGUMENT',
      message: expect.stringContaining(words) as string,
    });
  }
  expect(cache.length).toBe(2);
  cache.dispose();
});

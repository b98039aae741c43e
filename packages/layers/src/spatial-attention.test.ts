import ts from '@heed/backend-ts';
import { type AttentionBackend, tensor } from '@heed/core';
import { beforeAll, describe, expect, test } from 'vitest';
import { dot, expectGradients, randomTensor } from './test/finite-differences.ts';
import { SpatialAttention, type SpatialAttentionOptions, seededRandom } from './index.ts';

let backend: AttentionBackend;
beforeAll(async () => {
  backend = await ts.create();
});

const common = { channels: 4, heads: 2, dtype: 'float64', random: seededRandom(5) } as const;

describe('gradients agree with finite differences', () => {
  test.each<[string, Partial<SpatialAttentionOptions> & { grid: number[] }]>([
    ['places of an image, relative positions', { grid: [2, 3], relativePosition: true }],
    ['places of a volume', { grid: [2, 1, 2] }],
    ['places of regions', { grid: [2, 3] }],
    ['learned queries', { grid: [3, 2], queries: { learned: 2 }, embedDim: 6 }],
    ['given queries', { grid: [5], queries: 'given' }],
  ])('%s', async (name, options) => {
    const layer = new SpatialAttention({ ...common, ...options });
    layer.parameters['relativePosition']?.data.set(
      randomTensor(layer.parameters['relativePosition'].shape, 8).data,
    );
    const input = randomTensor([2, ...options.grid, 4], 1);
    const query = randomTensor([2, 3, 4], 2);
    const given = options.queries === 'given' ? { query } : {};
    const size = options.grid.reduce((a, b) => a * b, 1);
    const gridMask = tensor(new Uint8Array(2 * size).fill(1, 1), [2, ...options.grid]);
    const regions = tensor(
      Int32Array.from({ length: 2 * size }, (_, n) => n % 2),
      [2, ...options.grid],
    );
    const inputs = { input, gridMask, ...given, ...(name === 'places of regions' && { regions }) };
    const { output, gradient } = await layer.forward(backend, inputs, { gradient: true });
    const dOutput = randomTensor(output.shape, 3);
    const { dInput, dQuery, parameters } = await gradient(dOutput);
    await expectGradients(
      async () => dot((await layer.forward(backend, inputs)).output, dOutput),
      { input, ...given, ...layer.parameters },
      { input: dInput, ...(dQuery && { query: dQuery }), ...parameters },
    );
  });
});

test('a relative position is the same number wherever the two places are', async () => {
  const layer = new SpatialAttention({ ...common, grid: [3, 3], relativePosition: true });
  // Only "one place to the right": offset (0, −1) of 5 × 5 offsets.
  for (const head of [0, 1]) layer.parameters['relativePosition'].data[head * 25 + 2 * 5 + 1] = 50;
  const input = randomTensor([1, 3, 3, 4], 1);
  const { weights } = await layer.forward(backend, { input }, { weights: true });
  expect(weights.shape).toEqual([1, 2, 3, 3, 3, 3]);
  for (let place = 0; place < 9; place++) {
    if (place % 3 !== 2) expect(weights.data[place * 9 + place + 1]).toBeGreaterThan(0.99);
  }
});

test('a place attends to its region, as with a mask of pairs', async () => {
  const layer = new SpatialAttention({ ...common, grid: [2, 3], relativePosition: true });
  const input = randomTensor([2, 2, 3, 4], 1);
  // A shifted window in the first picture, whose columns are of three regions; none in the second.
  const regions = [
    [
      [0, 1, 1],
      [0, 2, 2],
    ],
    [
      [0, 0, 0],
      [0, 0, 0],
    ],
  ];
  const { weights } = await layer.forward(backend, { input, regions }, { weights: true });
  const numbers = regions.flat(2);
  weights.data.forEach((weight, n) => {
    const [batch, from, to] = [Math.floor(n / 72), Math.floor(n / 6) % 6, n % 6];
    expect(weight > 0).toBe(numbers[6 * batch + from] === numbers[6 * batch + to]);
  });
  const alone = await layer.forward(backend, { input }, { weights: true });
  expect(weights.data.subarray(72)).toEqual(alone.weights.data.subarray(72));
});

test('mistakes have a code', async () => {
  const codeOf = async (work: () => unknown): Promise<string> => {
    try {
      await work();
      return 'none';
    } catch (error) {
      return (error as { code: string }).code;
    }
  };
  const layer = new SpatialAttention({ ...common, grid: [2, 2] });
  const input = randomTensor([1, 2, 2, 4], 1);
  expect(await codeOf(() => new SpatialAttention({ ...common, grid: [] }))).toBe('ARGUMENT');
  expect(await codeOf(() => new SpatialAttention({ ...common, grid: [2], embedDim: 8 }))).toBe('ARGUMENT');
  expect(await codeOf(() => layer.forward(backend, { input: randomTensor([1, 2, 3, 4], 1) }))).toBe('SHAPE');
  expect(await codeOf(() => layer.forward(backend, { input, query: input }))).toBe('UNEXPECTED_INPUT');
  const gridMask = tensor(new Uint8Array(4), [4]);
  expect(await codeOf(() => layer.forward(backend, { input, gridMask }))).toBe('SHAPE');
  const regions = tensor(new Int32Array(4), [1, 2, 2]);
  expect(await codeOf(() => layer.forward(backend, { input, regions: [[0, 1]] }))).toBe('SHAPE');
  expect(await codeOf(() => layer.forward(backend, { input, gridMask: regions }))).toBe('DTYPE');
  const pooling = new SpatialAttention({ ...common, grid: [2, 2], queries: { learned: 1 } });
  expect(await codeOf(() => pooling.forward(backend, { input, regions }))).toBe('UNEXPECTED_INPUT');
});

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
    ['learned queries', { grid: [3, 2], queries: { learned: 2 }, embedDim: 6 }],
    ['given queries', { grid: [5], queries: 'given' }],
  ])('%s', async (_, options) => {
    const layer = new SpatialAttention({ ...common, ...options });
    layer.parameters['relativePosition']?.data.set(
      randomTensor(layer.parameters['relativePosition'].shape, 8).data,
    );
    const input = randomTensor([2, ...options.grid, 4], 1);
    const query = randomTensor([2, 3, 4], 2);
    const given = options.queries === 'given' ? { query } : {};
    const size = options.grid.reduce((a, b) => a * b, 1);
    const gridMask = tensor(new Uint8Array(2 * size).fill(1, 1), [2, ...options.grid]);
    const inputs = { input, gridMask, ...given };
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
});

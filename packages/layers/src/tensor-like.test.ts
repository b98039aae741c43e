import ts from '@heed/backend-ts';
import type { ComputeDType, Tensor } from '@heed/core';
import { describe, expect, test } from 'vitest';
import {
  AdditiveAttention,
  HardAttention,
  Linear,
  LuongAttention,
  MultiHeadAttention,
  SpatialAttention,
  seededRandom,
} from './index.ts';

const rows = [
  [
    [1, 0.5, 0, 0.25],
    [0, 1, 0.5, 0.75],
    [0.5, 0.25, 1, 0],
  ],
];
const keyMask = [[true, true, false]];
const x: Tensor<'float32'> = { dtype: 'float32', shape: [1, 3, 4], data: Float32Array.from(rows.flat(2)) };
const mask: Tensor<'bool'> = { dtype: 'bool', shape: [1, 3], data: Uint8Array.of(1, 1, 0) };
const { dtype: _, ...withShape } = x;
const { dtype: __, ...maskWithShape } = mask;

describe.each([
  ['nested arrays', rows, keyMask],
  ['{ data, shape }', withShape, maskWithShape],
] as const)('%s are taken where tensors are', (_name, given, givenMask) => {
  const random = (): (() => number) => seededRandom(1);

  test('by layers of attention', async () => {
    const backend = await ts.create();
    const size = { queryDim: 4, keyDim: 4 };
    const layers = [
      new MultiHeadAttention({ embedDim: 4, heads: 2, random: random() }),
      new AdditiveAttention({ ...size, attentionDim: 3, random: random() }),
      new LuongAttention({ ...size, score: 'general', random: random() }),
    ];
    for (const layer of layers) {
      const run = layer.forward.bind(layer) as MultiHeadAttention['forward'];
      const expected = await run(backend, { query: x, key: x, keyMask: mask }, { gradient: true });
      const actual = await run(backend, { query: given, key: given, keyMask: givenMask }, { gradient: true });
      expect(actual.output).toEqual(expected.output);
      expect(await actual.gradient(given)).toEqual(await expected.gradient(x));
    }
  });

  test('by hard attention', async () => {
    const layer = new HardAttention({ queryDim: 4, keyDim: 4, attentionDim: 3, random: random() });
    const backend = await ts.create();
    const options = { selection: 'argmax' } as const;
    const expected = await layer.forward(backend, { query: x, key: x, keyMask: mask }, options);
    const actual = await layer.forward(backend, { query: given, key: given, keyMask: givenMask }, options);
    expect(actual.choice).toEqual(expected.choice);
    expect(await actual.straightThrough(given)).toEqual(await expected.straightThrough(x));
  });

  test('by the layer over a grid, and by a linear one', async () => {
    const layer = new SpatialAttention({ grid: [3], channels: 4, heads: 2, random: random() });
    const backend = await ts.create();
    const expected = await layer.forward(backend, { input: x, gridMask: mask });
    expect(await layer.forward(backend, { input: given, gridMask: givenMask })).toEqual(expected);
    const linear = new Linear({ inputDim: 4, outputDim: 4, random: random() });
    expect(linear.forward(given)).toEqual(linear.forward(x));
    expect(linear.gradient(given, given)).toEqual(linear.gradient(x, x));
  });
});

test.each(['float32', 'float64'] as const)(
  'nested numbers take the element type of the layer, %s',
  (dtype) => {
    const linear = new Linear({ inputDim: 4, outputDim: 2, dtype: dtype satisfies ComputeDType });
    expect(linear.forward(rows).dtype).toBe(dtype);
  },
);

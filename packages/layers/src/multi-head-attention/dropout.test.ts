import ts from '@heed/backend-ts';
import { type AttentionBackend, FEATURES, attention, cast } from '@heed/core';
import { defineBackend } from '@heed/core/backend';
import reference from '@heed/core/reference';
import { beforeAll, describe, expect, test } from 'vitest';
import { dot, expectGradients, randomTensor } from '../test/finite-differences.ts';
import { MultiHeadAttention, seededRandom } from '../index.ts';

const dropout = { probability: 0.4, seed: 6 };
let backend: AttentionBackend;
beforeAll(async () => {
  backend = await ts.create();
});

const layerOf = (heads = 2): MultiHeadAttention =>
  new MultiHeadAttention({ embedDim: 6, heads, dtype: 'float64', random: seededRandom(3) });

describe('dropout of the weights', () => {
  const query = randomTensor([2, 4, 6], 1);

  test('is that of attention(), between projections', async () => {
    const layer = layerOf(1);
    for (const name of ['query', 'key', 'value', 'output']) {
      layer.parameters[`${name}.bias`].data.fill(0);
      layer.parameters[`${name}.weight`].data.forEach((_, n, data) => (data[n] = n % 7 === 0 ? 1 : 0));
    }
    const heads = { ...query, shape: [2, 4, 1, 6] };
    const request = { query: heads, key: heads, value: heads, layout: 'blhd', dropout } as const;
    const { output } = await attention(backend, request);
    const { output: ofLayer } = await layer.forward(backend, { query }, { dropout });
    expect(ofLayer.data).toEqual(output.data);
  });

  test('changes the output, not the weights; a probability of 0 changes nothing', async () => {
    const layer = layerOf();
    const plain = await layer.forward(backend, { query }, { weights: true });
    const dropped = await layer.forward(backend, { query }, { weights: true, dropout });
    expect(dropped.weights.data).toEqual(plain.weights.data);
    expect(dropped.output.data).not.toEqual(plain.output.data);
    const none = await layer.forward(backend, { query }, { dropout: { probability: 0, seed: 1 } });
    expect(none.output.data).toEqual(plain.output.data);
  });

  test('has a gradient', async () => {
    const layer = layerOf();
    const dOutput = randomTensor([2, 4, 6], 2);
    const { gradient } = await layer.forward(backend, { query }, { gradient: true, dropout });
    const { parameters, dQuery } = await gradient(dOutput);
    await expectGradients(
      async () => dot((await layer.forward(backend, { query }, { dropout })).output, dOutput),
      { query, ...layer.parameters },
      { query: dQuery, ...parameters },
    );
  });

  test('drops the same weights on another engine, from the input to the gradients', async () => {
    const layer = new MultiHeadAttention({ embedDim: 16, heads: 2, random: seededRandom(4) }).freeze();
    const input = cast(randomTensor([2, 70, 16], 1), 'float32');
    const dOutput = cast(randomTensor([2, 70, 16], 2), 'float32');
    await using other = await reference.create();
    const [here, there] = await Promise.all(
      [backend, other].map(async (engine) => {
        const { output, gradient } = await layer.forward(
          engine,
          { query: input },
          { gradient: true, dropout },
        );
        const { dQuery, parameters } = await gradient(dOutput);
        return { output, dQuery, ...parameters };
      }),
    );
    for (const [name, { data }] of Object.entries(here!)) {
      const largest = Math.max(1, ...data.map(Math.abs));
      const otherData = (there as Record<string, { data: Float32Array }>)[name]!.data;
      data.forEach((number, n) => expect(Math.abs(number - otherData[n]!)).toBeLessThan(1e-5 * largest));
    }
  });

  test('is refused beside a cache, on a backend without it, and where it is none', async () => {
    const layer = layerOf();
    const cache = await layer.cache(backend, { capacity: 8 });
    await expect(layer.forward(backend, { query, cache }, { dropout })).rejects.toMatchObject({
      code: 'ARGUMENT',
    });
    const less = defineBackend({
      name: 'less',
      device: 'none',
      capabilities: {
        dtypes: ['float64'],
        features: FEATURES.filter((name) => name !== 'dropout'),
        guarantees: [],
      },
      compile: () => {
        throw new Error('not to be called');
      },
    });
    const refused = layer.forward(less, { query }, { dropout });
    await expect(refused).rejects.toMatchObject({ code: 'UNSUPPORTED', clause: 'dropout' });
    const wrong = layer.forward(backend, { query }, { dropout: 0.1 as never });
    await expect(wrong).rejects.toMatchObject({ code: 'ARGUMENT', clause: 'dropout' });
  });
});

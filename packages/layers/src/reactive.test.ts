import ts from '@heed/backend-ts';
import { type AttentionBackend, type Tensor, attention, tensor } from '@heed/core';
import reference from '@heed/core/reference';
import { observable } from 'mobx';
import { describe, expect, test } from 'vitest';
import { reactive } from 'vue';
import {
  Adam,
  AdamW,
  AdditiveAttention,
  Embedding,
  FeedForward,
  HardAttention,
  LayerNorm,
  Linear,
  LuongAttention,
  MultiHeadAttention,
  RMSNorm,
  SGD,
  RelativePositionBias,
  SpatialAttention,
  TransformerBlock,
  seededRandom,
} from './index.ts';

const numbers = (...shape: number[]): Tensor<'float32'> => {
  const random = seededRandom(5);
  const size = shape.reduce((product, length) => product * length, 1);
  return tensor(Float32Array.from({ length: size }, random), shape);
};

/** Wrapper that each state library makes of an object with nested objects. */
const LIBRARIES = {
  Vue: <T extends object>(state: T): T => reactive(state) as T,
  MobX: <T extends object>(state: T): T => observable(state),
};

describe.each(Object.entries(LIBRARIES))('in a reactive object of %s', (_, kept) => {
  test.each([ts, reference] as const)(
    'a backend $name, its resident tensors and its results work',
    async (provider) => {
      const plain = numbers(1, 2, 5, 4);
      const backend: AttentionBackend = await provider.create();
      const state = kept({ backend, resident: await backend.upload(plain), plain, output: plain as Tensor });
      const request = { query: state.resident, key: state.plain, value: state.plain };
      const expected = await attention(backend, { query: plain, key: plain, value: plain });
      for (const through of [backend, state.backend]) {
        state.output = (await attention(through, request)).output;
        expect([...state.output.data]).toEqual([...expected.output.data]);
      }
      await state.resident.write(state.plain, { axis: 0, start: 0 });
      expect([...(await state.resident.read()).data]).toEqual([...plain.data]);
      const again = await attention(state.backend, { ...request, value: state.output, gradient: true });
      const { dQuery } = await again.gradient(state.output);
      expect(dQuery.data.every(Number.isFinite)).toBe(true);
      state.resident.dispose();
      await state.backend.dispose();
    },
  );

  test('a layer learns', async () => {
    const backend = await ts.create();
    const random = seededRandom(3);
    for (const optimizer of [new SGD({ learningRate: 0.1, momentum: 0.5 }), new Adam()]) {
      const layer = new MultiHeadAttention({ embedDim: 8, heads: 2, random });
      const state = kept({ layer, optimizer, query: numbers(2, 3, 8), dOutput: numbers(2, 3, 8) });
      const before = layer.parameters['query.weight'].data.slice();
      const { gradient } = await state.layer.forward(backend, { query: state.query }, { gradient: true });
      const { parameters } = await gradient(state.dOutput);
      state.optimizer.step(state.layer.parameters, parameters);
      expect(layer.parameters['query.weight'].data).not.toEqual(before);
    }
  });

  test('moments stay with their parameters, whatever object they are in', () => {
    const optimizer = new SGD({ learningRate: 1, momentum: 0.5 });
    const parameters = { weight: numbers(2) };
    const gradients = { weight: tensor(Float32Array.of(1, 1), [2]) };
    const before = parameters.weight.data.slice();
    optimizer.step(kept({ parameters }).parameters, kept({ gradients }).gradients);
    optimizer.step(parameters, gradients);
    expect([...parameters.weight.data]).toEqual([...before.map((x) => x - 1 - 1.5)]);
  });

  test.each<[string, object]>([
    ['MultiHeadAttention', new MultiHeadAttention({ embedDim: 4, heads: 2 })],
    ['AdditiveAttention', new AdditiveAttention({ queryDim: 2, keyDim: 2, attentionDim: 2 })],
    ['LuongAttention', new LuongAttention({ score: 'dot', queryDim: 2, keyDim: 2 })],
    ['HardAttention', new HardAttention({ queryDim: 2, keyDim: 2, attentionDim: 2 })],
    ['SpatialAttention', new SpatialAttention({ grid: [2, 2], channels: 4, heads: 2 })],
    ['Linear', new Linear({ inputDim: 2, outputDim: 1 })],
    ['SGD', new SGD({ learningRate: 1 })],
    ['Adam', new Adam()],
    ['AdamW', new AdamW()],
    ['LayerNorm', new LayerNorm({ embedDim: 2 })],
    ['RMSNorm', new RMSNorm({ embedDim: 2 })],
    ['RelativePositionBias', new RelativePositionBias({ heads: 2 })],
    ['TransformerBlock', new TransformerBlock({ embedDim: 4, heads: 2 })],
    ['Embedding', new Embedding({ count: 2, embedDim: 2 })],
    ['FeedForward', new FeedForward({ embedDim: 2 })],
  ])('%s stays itself', (__, instance) => {
    expect(kept({ instance }).instance).toBe(instance);
  });
});

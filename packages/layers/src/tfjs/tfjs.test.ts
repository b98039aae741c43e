import ts from '@heed/backend-ts';
import { type AttentionBackend, type Tensor, tensor } from '@heed/core';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { type FloatTensor, MultiHeadAttention, seededRandom } from '../index.ts';
import { type MultiHeadAttentionLayerConfig, multiHeadAttentionLayer } from './index.ts';

const MultiHeadAttentionLayer = multiHeadAttentionLayer(tf);

let backend: AttentionBackend;
beforeAll(async () => {
  await tf.setBackend('cpu');
  backend = await ts.create();
});

const random = seededRandom(1);
const numbers = (...shape: number[]): FloatTensor =>
  tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => 2 * random() - 1),
    shape,
  );
const toTf = ({ data, shape }: FloatTensor): tf.Tensor => tf.tensor(data as Float32Array, [...shape]);

function expectClose(name: string, actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(actual.length, name).toBe(expected.length);
  const error = Math.max(...Array.from(actual, (value, n) => Math.abs(value - expected[n])));
  expect(error, name).toBeLessThan(1e-5);
}

const query = numbers(2, 5, 8);
const key = numbers(2, 7, 6);
const value = numbers(2, 7, 4);
const keyMask = tensor(new Uint8Array([1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0]), [2, 7]);
const ownMask = tensor(new Uint8Array([1, 1, 1, 1, 0, 0, 0, 0, 0, 0]), [2, 5]);
interface Rest {
  readonly key?: FloatTensor;
  readonly value?: FloatTensor;
  readonly keyMask?: Tensor<'bool'>;
}

const cases: [string, Omit<MultiHeadAttentionLayerConfig, 'embedDim'>, Rest][] = [
  ['self', { heads: 2 }, {}],
  ['causal, without bias', { heads: 2, bias: false, causal: true }, {}],
  ['grouped-query', { heads: 4, kvHeads: 2 }, {}],
  ['cross', { heads: 2, kdim: 6, vdim: 6 }, { key }],
  ['cross with values and padding', { heads: 2, kdim: 6, vdim: 4, keyMask: true }, { key, value, keyMask }],
  ['a batch element that is all padding', { heads: 2, causal: true, keyMask: true }, { keyMask: ownMask }],
];

describe('the layer inside TensorFlow.js is the layer outside', () => {
  test.each(cases)('%s', async (_, config, rest) => {
    const inside = new MultiHeadAttentionLayer({ embedDim: 8, ...config });
    inside.build();
    const { keyMask: hasMask, causal = false, ...options } = config;
    expect(hasMask ?? false).toBe(rest.keyMask !== undefined);
    const outside = new MultiHeadAttention({ embedDim: 8, ...options });
    outside.loadStateDict(inside.stateDict());

    const inputs = [query, rest.key, rest.value].filter((input) => input !== undefined).map(toTf);
    const mask = rest.keyMask && tf.tensor(rest.keyMask.data, [...rest.keyMask.shape], 'float32');
    const dOutput = numbers(2, 5, 8);
    const call = (...tensors: tf.Tensor[]): tf.Tensor => inside.call(mask ? [...tensors, mask] : tensors);
    const { output, gradient } = await outside.forward(
      backend,
      { query, causal, ...rest },
      { gradient: true },
    );
    expectClose('output', call(...inputs).dataSync(), output.data);

    const { dQuery, dKey, dValue, parameters } = await gradient(dOutput);
    const ofInputs = tf.grads((...tensors: tf.Tensor[]) => call(...tensors))(inputs, toTf(dOutput));
    [dQuery, dKey, dValue]
      .filter((d) => d !== undefined)
      .forEach((d, n) => expectClose(`input ${n}`, ofInputs[n].dataSync(), d.data));

    const loss = (): tf.Scalar => tf.sum(tf.mul(call(...inputs), toTf(dOutput)));
    const { grads } = tf.variableGrads(loss);
    const order = Object.keys(inside.stateDict());
    Object.values(grads)
      .slice(-order.length)
      .forEach((d, n) => expectClose(order[n], d.dataSync(), parameters[order[n]].data));
  });
});

test('a model with the layer trains, is saved, and is loaded again', async () => {
  tf.serialization.registerClass(MultiHeadAttentionLayer);
  const input = tf.input({ shape: [4, 8] });
  const layer = new MultiHeadAttentionLayer({ embedDim: 8, heads: 2, name: 'attention' });
  const model = tf.model({ inputs: input, outputs: layer.apply(input) as tf.SymbolicTensor });
  model.compile({ optimizer: tf.train.adam(0.02), loss: 'meanSquaredError' });
  const x = toTf(numbers(16, 4, 8));
  const { history } = await model.fit(x, tf.mean(x, 1, true).tile([1, 4, 1]), { epochs: 15, verbose: 0 });
  const losses = history['loss'] as number[];
  expect(losses.at(-1)).toBeLessThan(losses[0] / 2);

  let saved: tf.io.ModelArtifacts | undefined;
  await model.save({
    save: async (artifacts) => {
      saved = artifacts;
      return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
    },
  });
  const loaded = await tf.loadLayersModel(tf.io.fromMemory(saved!));
  expectClose(
    'saved and loaded',
    (loaded.predict(x) as tf.Tensor).dataSync(),
    (model.predict(x) as tf.Tensor).dataSync(),
  );
});

test('a call leaves no tensors behind', () => {
  const layer = new MultiHeadAttentionLayer({ embedDim: 8, heads: 2 });
  layer.build();
  const x = toTf(query);
  const before = tf.memory().numTensors;
  layer.call(x).dispose();
  expect(tf.memory().numTensors).toBe(before);
  const misspelled = { embedDim: 8, heads: 2, kvHead: 1 } as MultiHeadAttentionLayerConfig;
  const refused = [
    [{ embedDim: 8, heads: 3 }, 'ARGUMENT'],
    [misspelled, 'UNKNOWN_OPTION'],
  ] as const;
  for (const [config, code] of refused) {
    expect(() => new MultiHeadAttentionLayer(config)).toThrow(expect.objectContaining({ code }) as Error);
  }
});

test('causal with other numbers of queries and keys is refused', () => {
  const layer = new MultiHeadAttentionLayer({ embedDim: 8, heads: 2, causal: true });
  layer.build();
  expect(() => layer.call([tf.zeros([1, 2, 8]), tf.zeros([1, 5, 8])])).toThrow(
    expect.objectContaining({ code: 'ALIGNMENT_REQUIRED' }) as Error,
  );
});

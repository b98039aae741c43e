import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
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

describe('masks of layers before', () => {
  const words = tf.tensor2d([
    [3, 5, 2, 0, 0],
    [4, 1, 0, 0, 0],
  ]);
  const padding = tensor(new Uint8Array([1, 1, 1, 0, 0, 1, 1, 0, 0, 0]), [2, 5]);
  const embed = (of: tf.SymbolicTensor, maskZero = true): tf.SymbolicTensor =>
    tf.layers.embedding({ inputDim: 6, outputDim: 8, maskZero }).apply(of) as tf.SymbolicTensor;

  /** Creates a model, and a second one of what precedes the attention in it. */
  function modelOf(config: Partial<MultiHeadAttentionLayerConfig> = {}) {
    const input = tf.input({ shape: [5] });
    const embedded = embed(input);
    const layer = new MultiHeadAttentionLayer({ embedDim: 8, heads: 2, ...config });
    const inputs = config.keyMask ? [input, tf.input({ shape: [5] })] : [input];
    const outputs = layer.apply(config.keyMask ? [embedded, inputs[1]] : embedded) as tf.SymbolicTensor;
    return {
      layer,
      model: tf.model({ inputs, outputs }),
      before: tf.model({ inputs: input, outputs: embedded }),
    };
  }

  async function expected(
    { layer, before }: ReturnType<typeof modelOf>,
    mask: Tensor<'bool'>,
  ): Promise<ArrayLike<number>> {
    const outside = new MultiHeadAttention({ embedDim: 8, heads: 2 });
    outside.loadStateDict(layer.stateDict());
    const embedded = before.predict(words) as tf.Tensor;
    const x = tensor(embedded.dataSync() as Float32Array, embedded.shape);
    return (await outside.forward(backend, { query: x, keyMask: mask })).output.data;
  }

  test('that of an embedding with maskZero is the key mask', async () => {
    const made = modelOf();
    const output = made.model.predict(words) as tf.Tensor;
    expectClose('output', output.dataSync(), await expected(made, padding));
    made.model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const { history } = await made.model.fit(words, tf.zeros([2, 5, 8]), { verbose: 0 });
    expect(history['loss'][0]).toBeGreaterThan(0);
  });

  test('holds in a model within a model, too', async () => {
    const made = modelOf();
    const input = tf.input({ shape: [5] });
    const model = tf.model({ inputs: input, outputs: made.model.apply(input) as tf.SymbolicTensor });
    expectClose('output', (model.predict(words) as tf.Tensor).dataSync(), await expected(made, padding));
  });

  test('is joined with one that is given, and goes on to the layers behind', async () => {
    const made = modelOf({ keyMask: true });
    const given = tf.tensor2d([
      [0, 1, 1, 1, 1],
      [1, 1, 1, 1, 1],
    ]);
    const joined = tensor(new Uint8Array([0, 1, 1, 0, 0, 1, 1, 0, 0, 0]), [2, 5]);
    const output = made.model.predict([words, given]) as tf.Tensor;
    expectClose('output', output.dataSync(), await expected(made, joined));
    const { layer } = modelOf();
    const mask = tf.ones([2, 5], 'bool');
    layer.call(tf.zeros([2, 5, 8]), { mask });
    expect(layer.computeMask(tf.zeros([2, 5, 8]), mask)).toBe(mask);
  });

  test('of keys that TensorFlow.js does not hand on is refused, and so is a stale one', () => {
    const [from, keys] = [tf.input({ shape: [5] }), tf.input({ shape: [5] })];
    const cross = new MultiHeadAttentionLayer({ embedDim: 8, heads: 2 });
    const embedded = embed(from, false);
    const model = tf.model({
      inputs: [from, keys],
      outputs: cross.apply([embedded, embed(keys)]) as tf.SymbolicTensor,
    });
    const refused = expect.objectContaining({ code: 'ARGUMENT', clause: 'mask' }) as Error;
    expect(() => model.predict([words, words])).toThrow(refused);
    // TensorFlow.js still passes on a mask after the layers that it belongs to.
    const own = new MultiHeadAttentionLayer({ embedDim: 8, heads: 2 });
    const stale = tf.model({
      inputs: [from, keys],
      outputs: [modelOf().layer.apply(embed(from)), own.apply(embed(keys, false))] as tf.SymbolicTensor[],
    });
    expect(() => stale.predict([words, words])).toThrow(refused);
  });
});

test('a saved model is loaded in a program that made no layer', () => {
  const program = `
    import { multiHeadAttentionLayer } from '@heed/layers/tfjs';
    import * as tf from '@tensorflow/tfjs';
    multiHeadAttentionLayer(tf);
    const config = { className: 'Sequential', config: { name: 's', layers: [
      { className: 'HeedMultiHeadAttention', config: { embedDim: 8, heads: 2, name: 'a', batchInputShape: [null, 4, 8] } },
    ] } };
    const model = await tf.loadLayersModel(tf.io.fromMemory({ modelTopology: { model_config: config } }));
    process.stdout.write(model.layers[0].getClassName());`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
  });
  expect(stdout, stderr).toMatch(/HeedMultiHeadAttention$/);
});

test('one module of TensorFlow.js has one class', () => {
  expect(multiHeadAttentionLayer({ ...tf })).toBe(MultiHeadAttentionLayer);
});

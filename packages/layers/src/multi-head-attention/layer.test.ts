import ts from '@heed/backend-ts';
import { loadCapturedBlock } from '@heed/conformance';
import { type AttentionBackend, FEATURES, HeedError, tensor } from '@heed/core';
import { defineBackend } from '@heed/core/backend';
import reference from '@heed/core/reference';
import { beforeAll, describe, expect, test } from 'vitest';
import { dot, expectGradients, randomTensor } from '../test/finite-differences.ts';
import {
  type FloatTensor,
  MultiHeadAttention,
  type MultiHeadAttentionInputs,
  type MultiHeadAttentionOptions,
  seededRandom,
} from '../index.ts';

let backend: AttentionBackend;
beforeAll(async () => {
  backend = await ts.create();
});

const float64 = { dtype: 'float64', random: seededRandom(3) } as const;

function randomBiases(layer: MultiHeadAttention): void {
  Object.values(layer.parameters).forEach((parameter, n) => {
    if (parameter.shape.length === 1) parameter.data.set(randomTensor(parameter.shape, n).data);
  });
}

const self: Omit<MultiHeadAttentionInputs, 'query'> = {};
const cases: Record<
  string,
  [Omit<MultiHeadAttentionOptions, 'embedDim'>, Omit<MultiHeadAttentionInputs, 'query'>]
> = {
  self: [{ heads: 2 }, self],
  'self, without bias': [{ heads: 2, bias: false }, self],
  'cross, the key as value': [{ heads: 2, kdim: 5, vdim: 5 }, { key: randomTensor([2, 3, 5], 11) }],
  'cross, kdim and vdim': [
    { heads: 2, kdim: 5, vdim: 3 },
    { key: randomTensor([2, 3, 5], 11), value: randomTensor([2, 3, 3], 12) },
  ],
  'grouped-query, causal, in a window': [
    { heads: 4, kvHeads: 2, headDim: 3 },
    { causal: true, window: { left: 1 } },
  ],
  'mask and key padding': [
    { heads: 2 },
    {
      mask: tensor(new Uint8Array([1, 1, 0, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 0, 1, 1]), [4, 4]),
      keyMask: tensor(new Uint8Array([1, 1, 1, 1, 1, 1, 0, 0]), [2, 4]),
    },
  ],
  'bias, softcap, scale': [{ heads: 2, scale: 0.9, softcap: 2 }, { bias: randomTensor([2, 4, 4], 13) }],
  rotary: [{ heads: 2, headDim: 4, rotary: {} }, self],
  'rotary, neighbors, part of the head': [
    { heads: 1, rotary: { dim: 4, interleaved: true, base: 100 } },
    self,
  ],
  'rotary by YaRN, which multiplies too': [
    { heads: 2, headDim: 4, rotary: { scaling: { kind: 'yarn', factor: 4, trainedLength: 8 } } },
    self,
  ],
  'query and key norms, rotary': [{ heads: 2, headDim: 4, queryKeyNorm: {}, rotary: {} }, self],
  'query and key norms, 1 + weight, grouped': [
    { heads: 4, kvHeads: 2, headDim: 3, queryKeyNorm: { unitOffset: true, epsilon: 0.1 } },
    self,
  ],
  'sinks, no bias of the key': [{ heads: 2, sinks: true, bias: { key: false } }, { causal: true }],
};

describe('gradients agree with finite differences in float64', () => {
  test.each(Object.entries(cases))('%s', async (_, [options, rest]) => {
    const layer = new MultiHeadAttention({ embedDim: 6, ...options, ...float64 });
    randomBiases(layer);
    const query = randomTensor([2, 4, 6], 1);
    const dOutput = randomTensor([2, 4, 6], 2);
    const inputs = { query, ...rest };
    const { gradient } = await layer.forward(backend, inputs, { gradient: true });
    const { parameters, dQuery, dKey, dValue, dBias } = await gradient(dOutput);
    const given = (name: 'key' | 'value' | 'bias', d: FloatTensor | undefined) =>
      rest[name] === undefined ? {} : { [name]: d };
    await expectGradients(
      async () => dot((await layer.forward(backend, inputs)).output, dOutput),
      { query, ...only(rest, ['key', 'value', 'bias']), ...layer.parameters },
      {
        query: dQuery,
        ...given('key', dKey),
        ...given('value', dValue),
        ...given('bias', dBias),
        ...parameters,
      },
    );
  });
});

function only(
  inputs: typeof self,
  names: readonly ('key' | 'value' | 'bias')[],
): Record<string, FloatTensor> {
  return Object.fromEntries(
    names.flatMap((name) => (inputs[name] === undefined ? [] : [[name, inputs[name]]])),
  ) as Record<string, FloatTensor>;
}

/** ts without the features that are named. */
async function without(...features: string[]): Promise<AttentionBackend> {
  return defineBackend({
    name: 'less',
    device: 'that of ts',
    capabilities: {
      dtypes: ['float64'],
      features: FEATURES.filter((feature) => !features.includes(feature)),
      guarantees: [],
    },
    compile: async (problem) => {
      const kernel = await backend.compile(problem);
      return { plan: kernel.plan, run: (inputs) => kernel.run(inputs) };
    },
  });
}

test('where a backend declares no gradient, another computes it', async () => {
  const layer = new MultiHeadAttention({ embedDim: 6, heads: 2, ...float64 });
  const query = randomTensor([1, 4, 6], 1);
  const forwardOnly = await without('gradient');
  const dOutput = randomTensor([1, 4, 6], 2);
  const mixed = await layer.forward(forwardOnly, { query }, { gradient: await reference.create() });
  const one = await layer.forward(backend, { query }, { gradient: true });
  const [a, b] = [await mixed.gradient(dOutput), await one.gradient(dOutput)];
  for (const [name, { data }] of Object.entries(b.parameters)) {
    expect(Math.max(...data.map((value, n) => Math.abs(value - a.parameters[name].data[n])))).toBeLessThan(
      1e-12,
    );
  }
  const refused = layer.forward(forwardOnly, { query }, { gradient: true });
  await expect(refused).rejects.toMatchObject({ code: 'UNSUPPORTED', clause: 'gradient' });
});

test('a backend that wants heads before rows gets them so', async () => {
  const layer = new MultiHeadAttention({ embedDim: 6, heads: 2, ...float64 });
  const query = randomTensor([2, 4, 6], 1);
  const narrow = await without('layout.blhd', 'gradient');
  const options = { gradient: backend, weights: true } as const;
  const [a, b] = [
    await layer.forward(narrow, { query, causal: true }, options),
    await layer.forward(backend, { query, causal: true }, options),
  ];
  expect(a.output).toEqual(b.output);
  expect(a.weights).toEqual(b.weights);
  expect(await a.gradient(a.output)).toEqual(await b.gradient(b.output));
});

test('the trained layer of a sentence model: error ≤ 2e-6 of the float64 oracle', async () => {
  const block = await loadCapturedBlock();
  const layer = new MultiHeadAttention({ embedDim: 384, heads: 12 });
  const names = {
    query: 'self.query',
    key: 'self.key',
    value: 'self.value',
    output: 'output.dense',
  } as const;
  layer.loadStateDict(
    Object.fromEntries(
      Object.entries(names).flatMap(([ours, theirs]) => [
        [`bert.${theirs}.weight`, block[ours as keyof typeof names].weight],
        [`bert.${theirs}.bias`, block[ours as keyof typeof names].bias],
      ]),
    ),
    { prefix: 'bert.' },
  );
  const { output } = await layer.forward(backend, { query: block.input });
  const errors = output.data.map((value, n) => Math.abs(value - block.expected.data[n]));
  expect(Math.max(...errors)).toBeLessThanOrEqual(2e-6);
});

test('padding may hold anything: nothing of it reaches an output or a gradient', async () => {
  const layer = new MultiHeadAttention({ embedDim: 6, heads: 2, ...float64 });
  const query = randomTensor([1, 2, 6], 1);
  const key = randomTensor([1, 3, 6], 2);
  key.data.fill(NaN, 12);
  const inputs = { query, key, keyMask: tensor(new Uint8Array([1, 1, 0]), [1, 3]) };
  const { output, gradient } = await layer.forward(backend, inputs, { gradient: true });
  const { dQuery, dKey, parameters } = await gradient(output);
  for (const { data } of [output, dQuery, dKey!, ...Object.values(parameters)]) {
    expect(data.every(Number.isFinite)).toBe(true);
  }
});

test('rotary scores depend on the distance alone', async () => {
  const layer = new MultiHeadAttention({ embedDim: 8, heads: 2, rotary: {}, ...float64 });
  const query = randomTensor([1, 3, 8], 1);
  const at = (start: number) => tensor(Int32Array.from([start, start + 1, start + 2]), [3]);
  const [a, b] = await Promise.all(
    [0, 1000].map((start) =>
      layer.forward(
        backend,
        { query, queryPositions: at(start), keyPositions: at(start) },
        { weights: true },
      ),
    ),
  );
  expect(Math.max(...a.weights.data.map((w, n) => Math.abs(w - b.weights.data[n])))).toBeLessThan(1e-10);
  const key = randomTensor([1, 5, 8], 2);
  await expect(layer.forward(backend, { query, key })).rejects.toMatchObject({ code: 'ALIGNMENT_REQUIRED' });
});

describe('mistakes have a code', () => {
  const layer = new MultiHeadAttention({ embedDim: 4, heads: 2 });
  const query = tensor(new Float32Array(8), [1, 2, 4]);
  const codeOf = async (work: () => unknown): Promise<string | undefined> => {
    try {
      await work();
      return undefined;
    } catch (error) {
      return HeedError.isInstance(error) ? error.code : String(error);
    }
  };

  test.each([
    ['ARGUMENT', () => new MultiHeadAttention({ embedDim: 5, heads: 2 })],
    ['ARGUMENT', () => new MultiHeadAttention({ embedDim: 6, heads: 3, kvHeads: 2 })],
    ['ARGUMENT', () => new MultiHeadAttention({ embedDim: 6, heads: 2, rotary: {} })],
    ['SHAPE', () => layer.forward(backend, { query: tensor(new Float32Array(8), [2, 4]) })],
    ['SHAPE', () => layer.forward(backend, { query: tensor(new Float32Array(6), [1, 2, 3]) })],
    ['SHAPE', () => layer.forward(backend, { query, key: tensor(new Float32Array(16), [2, 2, 4]) })],
    ['DTYPE', () => layer.forward(backend, { query: tensor(new Float64Array(8), [1, 2, 4]) })],
    ['DTYPE', () => layer.forward(backend, { query, keyMask: tensor(new Float32Array(2), [1, 2]) })],
    ['SHAPE', () => layer.forward(backend, { query, keyMask: tensor(new Uint8Array(2), [2]) })],
    ['MISSING_INPUT', () => layer.loadStateDict({})],
    ['UNSUPPORTED', () => layer.loadStateDict({ ...layer.parameters, bias_k: query, bias_v: query })],
    ['UNSUPPORTED', () => layer.loadStateDict({ ...layer.parameters, 'query.weight_blocks': query })],
    ['UNEXPECTED_INPUT', () => layer.loadStateDict({ ...layer.parameters, other: query })],
    ['UNKNOWN_OPTION', () => new MultiHeadAttention({ embedDim: 4, heads: 2, bias: { q: true } as never })],
    ['ARGUMENT', () => new MultiHeadAttention({ embedDim: 4, heads: 2, bias: 1 as never })],
    ['SHAPE', () => layer.loadStateDict({ ...layer.parameters, 'query.weight': query })],
  ])('%s (%#)', async (code, work) => {
    expect(await codeOf(work)).toBe(code);
  });
});

test('in self-attention, keys stand where their queries do', async () => {
  const layer = new MultiHeadAttention({ embedDim: 8, heads: 2, rotary: {}, ...float64 });
  const query = randomTensor([1, 4, 8], 5);
  // Left-padded: the first two are padding.
  const positions = tensor(Int32Array.of(0, 0, 0, 1), [4]);
  const alone = await layer.forward(backend, { query, queryPositions: positions });
  const both = await layer.forward(backend, { query, queryPositions: positions, keyPositions: positions });
  expect(alone.output.data).toEqual(both.output.data);
});

test('a state dict with biases on query, key and value alone, as that of Qwen2', async () => {
  const names = { query: 'q_proj', key: 'k_proj', value: 'v_proj', output: 'o_proj' };
  const trained = new MultiHeadAttention({ embedDim: 8, heads: 2, ...float64 });
  const dict = Object.fromEntries(
    Object.entries(trained.parameters).map(([name, value]) => {
      const [projection, part] = name.split('.') as [keyof typeof names, string];
      return [`${names[projection]}.${part}`, value];
    }),
  );
  const { 'o_proj.bias': bias, ...withoutOutputBias } = dict;
  expect(bias).toBeDefined();
  const layer = new MultiHeadAttention({ embedDim: 8, heads: 2, ...float64 });
  layer.parameters['output.bias']!.data.fill(7);
  layer.loadStateDict(withoutOutputBias);
  expect(layer.parameters['output.bias']!.data).toEqual(new Float64Array(8));
  const { 'v_proj.bias': other, ...incomplete } = withoutOutputBias;
  expect(other).toBeDefined();
  expect(() => layer.loadStateDict(incomplete)).toThrow(
    expect.objectContaining({ code: 'MISSING_INPUT' }) as Error,
  );
});

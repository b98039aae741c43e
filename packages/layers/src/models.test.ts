import ts from '@heed/backend-ts';
import { tensor } from '@heed/core';
import { describe, expect, test } from 'vitest';
import {
  type Encoded,
  type EncodedAll,
  decode,
  decodeAll,
  expectClose,
  floats,
  readCases,
} from './test/captures.ts';
import { dot, expectGradients, randomTensor } from './test/finite-differences.ts';
import {
  type FloatTensor,
  MultiHeadAttention,
  type MultiHeadAttentionOptions,
  RelativePositionBias,
  type RelativePositionBiasOptions,
  type RotaryOptions,
  TransformerBlock,
  type TransformerBlockInputs,
  type TransformerBlockOptions,
  rotaryFrequencies,
  rotate,
  seededRandom,
} from './index.ts';

interface ModelCase {
  readonly name: string;
  readonly layer: 'MultiHeadAttention' | 'TransformerBlock';
  readonly options: MultiHeadAttentionOptions & TransformerBlockOptions;
  readonly stateDict: EncodedAll;
  readonly inputs: EncodedAll;
  readonly output: Encoded;
  readonly causal?: boolean;
  /** Keys that a query sees, itself among them. */
  readonly window?: number;
  readonly relative?: RelativePositionBiasOptions;
}

const captured = readCases<{
  readonly source: string;
  readonly transformers: string;
  readonly timm: string;
  readonly cases: readonly ModelCase[];
  readonly rotary: readonly {
    readonly name: string;
    readonly options: RotaryOptions & { readonly dim: number };
    readonly length: number;
    readonly frequencies: readonly number[];
    readonly factor: number;
  }[];
}>('transformers');

const backend = await ts.create();
const PREFIX = 'model.some.layer.';

/** The bias that T5's first block makes of its relative positions. */
function relativeBias(options: RelativePositionBiasOptions, { stateDict, inputs }: ModelCase): FloatTensor {
  const positions = new RelativePositionBias(options);
  const prefix = 'relative_attention_bias.weight' in stateDict ? '' : 'layer.0.SelfAttention.';
  positions.loadStateDict(decodeAll(stateDict), { prefix });
  const { shape } = inputs['query'] ?? inputs['input'];
  return positions.forward({ queries: shape[1] });
}

describe(`${captured.source}, transformers ${captured.transformers}, timm ${captured.timm}`, () => {
  test.each(captured.cases)('$name', async (model) => {
    const { layer, options, stateDict, causal = false, window, relative } = model;
    const dict = Object.fromEntries(
      Object.entries(decodeAll(stateDict)).map(([name, value]) => [PREFIX + name, value]),
    );
    const inputs = {
      ...decodeAll(model.inputs),
      causal,
      ...(window !== undefined && { window: { left: window - 1, right: null } }),
      ...(relative && { bias: relativeBias(relative, model) }),
    } as unknown;
    if (layer === 'MultiHeadAttention') {
      const attention = new MultiHeadAttention(options);
      attention.loadStateDict(dict, { prefix: PREFIX });
      const { output } = await attention.forward(backend, inputs as { query: FloatTensor });
      expectClose('output', output, decode(model.output));
    } else {
      const block = new TransformerBlock(options);
      block.loadStateDict(dict, { prefix: PREFIX });
      const { output } = await block.forward(backend, inputs as TransformerBlockInputs);
      expectClose('output', output, decode(model.output));
    }
  });
});

describe('frequencies of rotary embeddings are those of ROPE_INIT_FUNCTIONS', () => {
  test.each(captured.rotary)('$name', ({ options, length, frequencies, factor }) => {
    const ours = rotaryFrequencies(options, length);
    expect(ours.frequencies.length).toBe(frequencies.length);
    ours.frequencies.forEach((frequency, n) => {
      expect(Math.abs(frequency - frequencies[n]) / frequencies[n]).toBeLessThan(3e-6);
    });
    expect(ours.factor).toBeCloseTo(factor, 12);
  });

  test('the same frequencies as data rotate alike, and back again', () => {
    const scaling = {
      kind: 'llama3',
      factor: 8,
      trainedLength: 64,
      lowFrequencyFactor: 1,
      highFrequencyFactor: 4,
    } as const;
    const { frequencies } = rotaryFrequencies({ dim: 6, scaling });
    const heads = randomTensor([2, 3, 2, 8], 1);
    const positions = tensor(Int32Array.of(5, 0, 70), [3]);
    for (const interleaved of [false, true]) {
      const options = { dim: 6, interleaved };
      const turned = rotate(heads, { ...options, scaling }, { positions });
      expect(rotate(heads, { ...options, frequencies: [...frequencies] }, { positions })).toEqual(turned);
      const back = rotate(turned, { ...options, scaling }, { positions, inverse: true });
      expectClose('back', back, heads, 1e-14);
      // The first frequency is 1: pairs of the first row turn by 5 radians.
      const second = interleaved ? 1 : 3;
      expect(turned.data[0]).toBeCloseTo(heads.data[0] * Math.cos(5) - heads.data[second] * Math.sin(5), 14);
      expect(turned.data[7]).toBe(heads.data[7]);
    }
  });

  test.each<[string, object]>([
    ['ARGUMENT', { scaling: { kind: 'longrope', factor: 2 } }],
    ['ARGUMENT', { scaling: { kind: 'yarn', factor: 2 } }],
    ['ARGUMENT', { scaling: 'linear' }],
    ['ARGUMENT', { frequencies: [1] }],
    ['ARGUMENT', { dim: 3 }],
    ['UNKNOWN_OPTION', { scaling: { kind: 'linear', factor: 2, trainedLength: 4 } }],
  ])('%s for %j', (code, options) => {
    expect(() => rotate([[[[1, 2, 3, 4]]]], options)).toThrow(expect.objectContaining({ code }) as Error);
  });
});

describe('gradients of a block agree with finite differences in float64', () => {
  test.each<[string, Partial<TransformerBlockOptions>, Partial<TransformerBlockInputs>]>([
    ['pre-norm, causal', {}, { causal: true }],
    ['post-norm', { normFirst: false, activation: 'relu' }, {}],
    [
      'as Llama',
      { norm: 'rms', gated: true, activation: 'silu', bias: false, attention: { kvHeads: 1, rotary: {} } },
      { causal: true },
    ],
    ['a decoder with cross-attention', { cross: true, memoryDim: 3 }, { memory: randomTensor([2, 4, 3], 8) }],
    [
      'a decoder, post-norm, with padding in its memory and a bias',
      { cross: true, normFirst: false },
      {
        memory: randomTensor([2, 4, 4], 8),
        memoryMask: tensor(Uint8Array.of(1, 1, 1, 1, 1, 0, 0, 1), [2, 4]),
        bias: randomTensor([2, 3, 3], 9),
        causal: true,
      },
    ],
  ])('%s', async (_, options, rest) => {
    const dropout = { probability: 0.3, seed: 5 };
    for (const run of [{}, { dropout }, { dropout, attentionDropout: { probability: 0.4, seed: 6 } }]) {
      const block = new TransformerBlock({
        embedDim: 4,
        heads: 2,
        hiddenDim: 5,
        dtype: 'float64',
        random: seededRandom(4),
        ...options,
      });
      Object.values(block.parameters).forEach(({ data, shape }, n) => data.set(randomTensor(shape, n).data));
      const input = randomTensor([2, 3, 4], 1);
      const dOutput = randomTensor([2, 3, 4], 2);
      const inputs = { input, ...rest };
      const { gradient } = await block.forward(backend, inputs, { ...run, gradient: true });
      const { dInput, dMemory, dBias, parameters } = await gradient(dOutput);
      const { memory, bias } = rest as Record<string, FloatTensor>;
      await expectGradients(
        async () => dot((await block.forward(backend, inputs, run)).output, dOutput),
        { input, ...(memory && { memory }), ...(bias && { bias }), ...block.parameters },
        {
          input: dInput,
          ...(memory && { memory: dMemory }),
          ...(bias && { bias: dBias }),
          ...parameters,
        },
      );
    }
  });

  test('relative positions', async () => {
    const positions = new RelativePositionBias({ heads: 2, buckets: 8, maxDistance: 6, dtype: 'float64' });
    const lengths = { queries: 4, keys: 9, offset: 3 };
    const dOutput = randomTensor([1, 2, 4, 9], 2);
    await expectGradients(
      async () => dot(positions.forward(lengths), dOutput),
      positions.parameters,
      positions.gradient(lengths, dOutput).parameters,
    );
  });
});

test('a block gives the weights of its attention, and logSumExp is that of the scores', async () => {
  const block = new TransformerBlock({ embedDim: 4, heads: 2, cross: true });
  const input = tensor(new Float32Array(12).fill(1), [1, 3, 4]);
  const memory = tensor(new Float32Array(20).fill(1), [1, 5, 4]);
  const { weights, crossWeights } = await block.forward(backend, { input, memory }, { weights: true });
  expect(weights.shape).toEqual([1, 2, 3, 3]);
  expect(crossWeights!.shape).toEqual([1, 2, 3, 5]);
  const layer = new MultiHeadAttention({ embedDim: 4, heads: 2, sinks: true });
  layer.parameters['query.weight'].data.fill(0);
  layer.parameters['sinks'].data.set([0, Math.log(5)]);
  const { logSumExp } = await layer.forward(backend, { query: input }, { logSumExp: true });
  // Scores are 0: three keys and the sink.
  expect([...logSumExp.data].map((value) => Math.exp(value).toFixed(4))).toEqual([
    ...Array<string>(3).fill('4.0000'),
    ...Array<string>(3).fill('8.0000'),
  ]);
});

describe('mistakes have a code', () => {
  const block = new TransformerBlock({ embedDim: 4, heads: 2 });
  const input = tensor(new Float32Array(12), [1, 3, 4]);
  test.each<[string, string, () => Promise<unknown>]>([
    ['UNEXPECTED_INPUT', 'a memory without cross', () => block.forward(backend, { input, memory: input })],
    [
      'MISSING_INPUT',
      'cross without a memory',
      () => new TransformerBlock({ embedDim: 4, heads: 2, cross: true }).forward(backend, { input }),
    ],
    ['SHAPE', 'an input of another width', () => block.forward(backend, { input: [[[1, 2]]] })],
    ['UNKNOWN_OPTION', 'another input', () => block.forward(backend, { input, query: input } as never)],
    [
      'ARGUMENT',
      'dropout of weights without a seed',
      () => block.forward(backend, { input }, { attentionDropout: { probability: 0.1 } as never }),
    ],
    [
      'ARGUMENT',
      'dropout of cross weights with a seed of text',
      () =>
        new TransformerBlock({ embedDim: 4, heads: 2, cross: true }).forward(
          backend,
          { input, memory: input },
          { attentionDropout: { probability: 0.1, seed: '1' as never } },
        ),
    ],
    [
      'ARGUMENT',
      'dropout without a seed',
      () => block.forward(backend, { input }, { dropout: { probability: 0.1 } as never }),
    ],
    ['MISSING_INPUT', 'a state dict of nothing', async () => block.loadStateDict({})],
    [
      'UNEXPECTED_INPUT',
      'a state dict with more than the block has',
      async () => block.loadStateDict({ ...block.parameters, more: input }),
    ],
    [
      'UNKNOWN_OPTION',
      'an option of attention that belongs to the block',
      async () => new TransformerBlock({ embedDim: 4, heads: 2, attention: { heads: 2 } as never }),
    ],
    [
      'ARGUMENT',
      'buckets that do not come apart',
      async () => new RelativePositionBias({ heads: 1, buckets: 6 }),
    ],
  ])('%s for %s', async (code, _, work) => {
    await expect(work()).rejects.toMatchObject({ code });
  });

  test('weights that the file does not hold as numbers are refused by name', () => {
    const layer = new MultiHeadAttention({ embedDim: 4, heads: 2 });
    const refused = (name: string): unknown => {
      try {
        layer.loadStateDict({ ...layer.parameters, [name]: input });
        return null;
      } catch (error) {
        return error;
      }
    };
    for (const [name, word] of [
      ['bias_k', 'add_bias_kv'],
      ['q_proj.weight_blocks', 'MXFP4'],
      ['q_proj.weight_scales', 'MXFP4'],
    ]) {
      expect(refused(name)).toMatchObject({
        code: 'UNSUPPORTED',
        message: expect.stringMatching(new RegExp(`${name}.*${word}`)) as string,
      });
    }
  });
});

test('the captures cover every kind of state dict that is spoken of', () => {
  const names = captured.cases.map(({ name }) => name).join('; ');
  for (const model of [
    'GPT-2',
    'Qwen2',
    'Qwen3',
    'Phi-3',
    'inv_freq',
    'gpt-oss',
    'Whisper',
    'DistilBERT',
    'T5',
    'hub',
    'timm',
  ]) {
    expect(names).toContain(model);
  }
  expect(floats(captured.cases[0].output).data.length).toBeGreaterThan(0);
});

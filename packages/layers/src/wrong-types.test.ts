import ts from '@heed/backend-ts';
import { type AttentionBackend, type HeedErrorCode, PagedCache, tensor } from '@heed/core';
import { type RightValues, WRONG_VALUES, refusal, refusesWrongValues } from '@heed/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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
  addGradients,
  clipGradients,
  assignParameters,
  collectParameters,
  cosineSchedule,
  crossEntropy,
  dropout,
  pagedStep,
  writeSafetensors,
} from './index.ts';

const everyValue = Object.entries(WRONG_VALUES);
const CODES: readonly HeedErrorCode[] = [
  'ARGUMENT',
  'SHAPE',
  'DTYPE',
  'UNKNOWN_OPTION',
  'MISSING_INPUT',
  'UNEXPECTED_INPUT',
];

type Options = Readonly<Record<string, unknown>>;
const make =
  (layer: new (options: never) => unknown) =>
  (options: Options): unknown =>
    new layer(options as never);

/** Options that are right, and which values of the list are right for each, too. */
const size = { queryDim: [], keyDim: [], attentionDim: [] };
const first = { dtype: [], random: ['a function'] };
const MOMENTS = {
  learningRate: ['a part of a number', 'a function'],
  beta1: ['a part of a number'],
  beta2: ['a part of a number'],
  epsilon: ['a part of a number'],
};
const CONSTRUCTORS: readonly [
  name: string,
  create: (options: Options) => unknown,
  right: Options,
  options: RightValues,
][] = [
  [
    'MultiHeadAttention',
    make(MultiHeadAttention),
    { embedDim: 4, heads: 2 },
    {
      embedDim: [],
      heads: [],
      kvHeads: [],
      headDim: [],
      kdim: [],
      vdim: [],
      bias: ['true'],
      queryKeyNorm: [],
      sinks: ['true'],
      rotary: [],
      scale: ['a part of a number', 'a negative number'],
      softcap: ['a part of a number'],
      ...first,
    },
  ],
  [
    'the rotary of MultiHeadAttention',
    (rotary) => new MultiHeadAttention({ embedDim: 4, heads: 2, rotary: rotary as never }),
    {},
    {
      base: ['a part of a number'],
      dim: [],
      interleaved: ['true'],
      scaling: [],
      frequencies: ['an array of a number'],
      factor: ['a part of a number'],
    },
  ],
  [
    'AdditiveAttention',
    make(AdditiveAttention),
    { queryDim: 4, keyDim: 4, attentionDim: 2 },
    { ...size, ...first },
  ],
  ['HardAttention', make(HardAttention), { queryDim: 4, keyDim: 4, attentionDim: 2 }, { ...size, ...first }],
  [
    'LuongAttention',
    make(LuongAttention),
    { queryDim: 4, keyDim: 4, score: 'general' },
    { ...size, score: [], local: [], ...first },
  ],
  [
    'the locality of LuongAttention',
    (local) => new LuongAttention({ queryDim: 4, keyDim: 4, score: 'general', local: local as never }),
    { position: 'monotonic', halfWidth: 1 },
    { position: [], halfWidth: [] },
  ],
  [
    'SpatialAttention',
    make(SpatialAttention),
    { grid: [2], channels: 4, heads: 2 },
    {
      grid: ['an array of a number'],
      channels: [],
      heads: [],
      embedDim: [],
      queries: [],
      relativePosition: ['true'],
      ...first,
    },
  ],
  [
    'Linear',
    make(Linear),
    { inputDim: 4, outputDim: 2 },
    { inputDim: [], outputDim: [], bias: ['true'], ...first },
  ],
  [
    'SGD',
    make(SGD),
    { learningRate: 0.1 },
    { learningRate: ['a part of a number', 'a function'], momentum: ['a part of a number'] },
  ],
  ['Adam', make(Adam), {}, MOMENTS],
  ['AdamW', make(AdamW), {}, { ...MOMENTS, weightDecay: ['a part of a number', 'a function'] }],
  [
    'LayerNorm',
    make(LayerNorm),
    { embedDim: 4 },
    { embedDim: [], epsilon: ['a part of a number'], bias: ['true'], dtype: [] },
  ],
  [
    'RMSNorm',
    make(RMSNorm),
    { embedDim: 4 },
    { embedDim: [], epsilon: ['a part of a number'], unitOffset: ['true'], dtype: [] },
  ],
  ['Embedding', make(Embedding), { count: 3, embedDim: 4 }, { count: [], embedDim: [], ...first }],
  [
    'RelativePositionBias',
    make(RelativePositionBias),
    { heads: 2 },
    { heads: [], buckets: [], maxDistance: [], bidirectional: ['true'], ...first },
  ],
  [
    'TransformerBlock',
    make(TransformerBlock),
    { embedDim: 4, heads: 2 },
    {
      embedDim: [],
      heads: [],
      hiddenDim: [],
      attention: [],
      cross: ['true'],
      memoryDim: [],
      normFirst: ['true'],
      norm: [],
      epsilon: ['a part of a number'],
      activation: [],
      gated: ['true'],
      bias: ['true'],
      ...first,
    },
  ],
  [
    'FeedForward',
    make(FeedForward),
    { embedDim: 4 },
    { embedDim: [], hiddenDim: [], activation: [], gated: ['true'], bias: ['true'], ...first },
  ],
  [
    'dropout()',
    (options) => dropout(tensor(new Float32Array(2), [2]), options as never),
    { probability: 0.5, seed: 1 },
    { probability: ['a part of a number'], seed: [], stream: [] },
  ],
  [
    'crossEntropy()',
    (options) => crossEntropy(tensor(new Float32Array(2), [1, 2]), [0], options as never),
    {},
    { ignoreIndex: ['a negative number'], labelSmoothing: ['a part of a number'] },
  ],
  [
    'cosineSchedule()',
    (options) => cosineSchedule(options as never),
    { learningRate: 1, steps: 5 },
    { learningRate: ['a part of a number'], steps: [], warmup: [], finalRate: ['a part of a number'] },
  ],
];

describe.each(CONSTRUCTORS)('%s', (_layer, create, right, options) => {
  test('takes the options that are right', () => {
    create(right);
  });

  refusesWrongValues((given) => create({ ...right, ...given }), options, CODES);

  test.each(everyValue.filter(([kind]) => kind !== 'an object'))(
    'instead of options %s is refused',
    async (_, value) => {
      expect(CODES).toContain((await refusal(() => create(value as never))).code);
    },
  );
});

const weights = () => ({ weight: tensor(new Float32Array([1, 2]), [2]) });

/** Functions that take tensors by name. */
const NAMED: readonly (readonly [name: string, call: (given: never) => unknown])[] = [
  ['addGradients()', (given) => addGradients(weights(), given)],
  ['clipGradients()', (given) => clipGradients(given, 1)],
  ['collectParameters()', (given) => collectParameters({ layer: given })],
  ['assignParameters()', (given) => assignParameters(weights(), given)],
  ['the parameters of assignParameters()', (given) => assignParameters(given, weights())],
  ['writeSafetensors()', (given) => writeSafetensors(given)],
  ['the parameters of SGD', (given) => new SGD({ learningRate: 1 }).step(given, weights())],
  ['the gradients of AdamW', (given) => new AdamW().step(weights(), given)],
  ['MultiHeadAttention', (given) => new MultiHeadAttention({ embedDim: 4, heads: 2 }).loadStateDict(given)],
  ['TransformerBlock', (given) => new TransformerBlock({ embedDim: 4, heads: 2 }).loadStateDict(given)],
];

describe.each(NAMED)('of tensors by name, %s', (_name, call) => {
  const noTensors = { ...WRONG_VALUES, undefined, null: null, 'a promise': Promise.resolve(weights()) };
  const isPlain = (kind: string) =>
    ['an object', 'a Set', 'a Number object', 'a function', 'a promise'].includes(kind);
  test.each(Object.entries(noTensors).filter(([kind]) => !isPlain(kind)))('refuses %s', async (_, value) => {
    const error = await refusal(() => call(value as never));
    expect(CODES).toContain(error.code);
    expect(error.remedy).toBeTruthy();
  });

  const numbers = { 'an array': new Float32Array(2), 'no dtype': { shape: [2], data: new Float32Array(2) } };
  const others = { 'another dtype': { dtype: 'float64', shape: [2], data: new Float32Array(2) } };
  test.each(Object.entries({ ...noTensors, ...numbers, ...others }))(
    'refuses %s as a tensor',
    async (_, value) => {
      const error = await refusal(() => call({ weight: value } as never));
      expect(CODES).toContain(error.code);
      expect(error.message).toContain('weight');
    },
  );
});

describe('what a function returned', () => {
  const wrong = everyValue.filter(([kind]) => kind !== 'a part of a number');
  test.each([['undefined', undefined], ...wrong])('is refused as a rate or decay: %s', async (_, value) => {
    const parameters = { first: weights().weight, second: weights().weight };
    const optimizers = [
      new SGD({ learningRate: (() => value) as never }),
      new Adam({ learningRate: (() => value) as never }),
      new AdamW({ weightDecay: (() => value) as never }),
      // Right for the first parameter, wrong for the second.
      new AdamW({ weightDecay: ((name: string) => (name === 'first' ? 0.5 : value)) as never }),
    ];
    for (const optimizer of optimizers) {
      const error = await refusal(() => optimizer.step(parameters, parameters));
      expect(error.code).toBe('ARGUMENT');
      expect(error.message).toMatch(/^(learningRate of step 0|weightDecay of (first|second)) is /);
    }
    for (const { data } of Object.values(parameters)) expect([...data]).toEqual([1, 2]);
  });

  test.each(wrong)('a schedule refuses %s for a step', async (_, value) => {
    const schedule = cosineSchedule({ learningRate: 1, steps: 4, warmup: 2 });
    expect((await refusal(() => schedule(value as never))).code).toBe('ARGUMENT');
  });
});

test.each(everyValue)('pagedStep() refuses %s for the book and for the sequences', async (_, value) => {
  const book = new PagedCache({ pages: 2, pageSize: 2 });
  expect(CODES).toContain((await refusal(() => pagedStep(value as never, [0], 1))).code);
  expect(CODES).toContain((await refusal(() => pagedStep(book, value as never, 1))).code);
  expect(book.free).toBe(2);
});

describe('forward()', () => {
  let backend: AttentionBackend;
  beforeAll(async () => {
    backend = await ts.create();
  });
  afterAll(() => backend.dispose());

  const layer = new MultiHeadAttention({ embedDim: 4, heads: 2, rotary: {} });
  const x = tensor(new Float32Array(12), [1, 3, 4]);

  test.each(['weights', 'gradient', 'signal'])('refuses a wrong %s', async (name) => {
    for (const [kind, value] of everyValue) {
      if (kind === 'true' && name !== 'signal') continue;
      const error = await refusal(() => layer.forward(backend, { query: x }, { [name]: value } as never));
      expect(CODES, kind).toContain(error.code);
      expect(error.message, kind).toContain(name);
    }
  });

  const inputs = ['query', 'key', 'value', 'bias', 'alibiSlopes', 'queryPositions', 'keyPositions'];
  const scope = ['keyMask', 'mask', 'causal', 'window', 'alignment', 'keyLengths', 'queryLengths'];
  test.each([...inputs, ...scope])('refuses a wrong %s', async (name) => {
    for (const [kind, value] of everyValue) {
      // One number broadcasts as a mask and a bias, and is a length for each element of this batch.
      const takesNumbers = ['mask', 'bias', 'keyLengths', 'queryLengths'].includes(name);
      if (kind === 'an array of a number' && takesNumbers) continue;
      if (kind === 'true' && name === 'causal') continue;
      const error = await refusal(() => layer.forward(backend, { query: x, [name]: value } as never));
      expect(CODES, kind).toContain(error.code);
    }
  });

  test.each(everyValue)('of a linear layer refuses %s', async (_, value) => {
    const linear = new Linear({ inputDim: 4, outputDim: 2 });
    expect(CODES).toContain((await refusal(() => linear.forward(value as never))).code);
  });

  test.each(everyValue)('refuses %s for a backend', async (_, value) => {
    expect((await refusal(() => layer.forward(value as never, { query: x }))).code).toBe('ARGUMENT');
  });
});

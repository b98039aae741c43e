import { type Tensor, tensor } from '@heed/core';
import { describe, expect, test } from 'vitest';
import {
  type Encoded,
  type EncodedAll,
  bytesOf,
  decode,
  decodeAll,
  expectClose,
  floats,
  readCases,
} from './test/captures.ts';
import { dot, expectGradients, randomTensor } from './test/finite-differences.ts';
import {
  type Activation,
  Embedding,
  FeedForward,
  type FloatTensor,
  LayerNorm,
  type NamedTensors,
  RMSNorm,
  type StateDict,
  activate,
  activationGradient,
  addGradients,
  clipGradients,
  collectParameters,
  crossEntropy,
  dropout,
  readSafetensors,
  seededRandom,
  writeSafetensors,
} from './index.ts';

interface ModuleCase {
  readonly name: string;
  readonly layer: 'LayerNorm' | 'RMSNorm' | 'FeedForward';
  readonly options: { readonly embedDim: number };
  readonly input: Encoded;
  readonly stateDict: EncodedAll;
  readonly output: Encoded;
  readonly dOutput: Encoded;
  readonly dInput: Encoded;
  readonly dStateDict: EncodedAll;
}

const torch = readCases<{
  readonly source: string;
  readonly safetensors: string;
  readonly activations: readonly {
    readonly name: Activation;
    readonly input: Encoded;
    readonly output: Encoded;
    readonly dInput: Encoded;
  }[];
  readonly modules: readonly ModuleCase[];
  readonly crossEntropies: readonly {
    readonly name: string;
    readonly logits: Encoded;
    readonly target: readonly (readonly number[])[];
    readonly ignoreIndex: number;
    readonly labelSmoothing: number;
    readonly loss: number;
    readonly losses: readonly number[];
    readonly dLogits: Encoded;
  }[];
  readonly tied: {
    readonly ids: readonly (readonly number[])[];
    readonly weight: Encoded;
    readonly rows: Encoded;
    readonly logits: Encoded;
    readonly dLogits: Encoded;
    readonly dWeight: Encoded;
  };
  readonly clipped: readonly {
    readonly maximum: number;
    readonly norm: number;
    readonly before: EncodedAll;
    readonly after: EncodedAll;
  }[];
  readonly file: {
    readonly tensors: EncodedAll;
    readonly metadata: Readonly<Record<string, string>>;
    readonly bytes: string;
    readonly withoutMetadata: string;
  };
}>('torch-block-parts');

interface Pass {
  readonly output: FloatTensor;
  gradient(dOutput: FloatTensor): { readonly dInput: FloatTensor; readonly parameters: NamedTensors };
}

interface Part {
  readonly parameters: NamedTensors;
  loadStateDict(dict: StateDict): void;
  pass(input: FloatTensor): Pass;
}

function partOf(layer: ModuleCase['layer'], options: object): Part {
  if (layer === 'FeedForward') {
    const part = new FeedForward({ embedDim: 8, ...options });
    return {
      parameters: part.parameters,
      loadStateDict: (dict) => part.loadStateDict(dict),
      pass: (input) => part.forward(input),
    };
  }
  const part = new { LayerNorm, RMSNorm }[layer]({ embedDim: 8, ...options });
  return {
    parameters: part.parameters,
    loadStateDict: (dict) => part.loadStateDict(dict),
    pass: (input) => ({
      output: part.forward(input),
      gradient: (dOutput) => part.gradient(input, dOutput),
    }),
  };
}

describe(`${torch.source} in float32`, () => {
  test.each(torch.activations)('activation $name', ({ name, input, output, dInput }) => {
    const x = floats(input);
    const ones = { ...x, data: x.data.slice().fill(1) };
    expectClose('output', activate(name, x), decode(output));
    expectClose('dInput', activationGradient(name, x, ones), decode(dInput));
  });

  test.each(torch.modules)('$name', ({ layer, options, ...expected }) => {
    const part = partOf(layer, options);
    part.loadStateDict(decodeAll(expected.stateDict));
    const { output, gradient } = part.pass(floats(expected.input));
    expectClose('output', output, decode(expected.output));
    const { dInput, parameters } = gradient(floats(expected.dOutput));
    expectClose('dInput', dInput, decode(expected.dInput));
    // The gradients of PyTorch's parameters, brought to our names by the loader itself.
    const theirs = partOf(layer, options);
    theirs.loadStateDict(decodeAll(expected.dStateDict));
    expect(Object.keys(parameters).sort()).toEqual(Object.keys(theirs.parameters).sort());
    for (const [name, value] of Object.entries(theirs.parameters)) expectClose(name, parameters[name], value);
  });

  test.each(torch.crossEntropies)('cross-entropy, $name', ({ logits, target, ...expected }) => {
    const { ignoreIndex, labelSmoothing } = expected;
    const { loss, losses, dLogits } = crossEntropy(floats(logits), target, { ignoreIndex, labelSmoothing });
    expect(Math.abs(loss - expected.loss)).toBeLessThan(1e-5);
    losses.forEach((value, row) => expect(Math.abs(value - expected.losses[row])).toBeLessThan(1e-5));
    expectClose('dLogits', dLogits, decode(expected.dLogits));
  });

  test('an embedding that is tied to the output', () => {
    const { ids, weight, rows, logits, dLogits, dWeight } = torch.tied;
    const layer = new Embedding({ count: 7, embedDim: 4 });
    layer.loadStateDict({ weight: decode(weight) });
    const seen = layer.forward(ids);
    expectClose('rows', seen, decode(rows));
    expectClose('logits', layer.scores(seen), decode(logits));
    const ofScores = layer.scoresGradient(seen, floats(dLogits));
    const ofRows = layer.gradient(ids, ofScores.dInput);
    const added = addGradients(ofScores.parameters, ofRows.parameters);
    expectClose('dWeight', added['weight'], decode(dWeight));
  });

  test.each(torch.clipped)('gradients clipped at $maximum', ({ maximum, norm, before, after }) => {
    const gradients = decodeAll(before) as NamedTensors;
    expect(clipGradients(gradients, maximum)).toBeCloseTo(norm, 5);
    for (const [name, expected] of Object.entries(after))
      expectClose(name, gradients[name], decode(expected));
  });
});

describe('gradients agree with finite differences in float64', () => {
  test.each(['gelu', 'geluTanh', 'silu', 'relu', 'sigmoid'] as const)('activation %s', async (name) => {
    const input = randomTensor([3, 8], 1);
    input.data.forEach((value, n) => (input.data[n] = 4 * value));
    const dOutput = randomTensor([3, 8], 2);
    await expectGradients(
      async () => dot(activate(name, input), dOutput),
      { input },
      { input: activationGradient(name, input, dOutput) },
    );
  });

  test.each<[string, ModuleCase['layer'], object]>([
    ['LayerNorm', 'LayerNorm', {}],
    ['LayerNorm without bias', 'LayerNorm', { bias: false, epsilon: 0.3 }],
    ['RMSNorm', 'RMSNorm', {}],
    ['RMSNorm, 1 + weight', 'RMSNorm', { unitOffset: true, epsilon: 0.3 }],
    ['feed-forward', 'FeedForward', { activation: 'gelu' }],
    ['SwiGLU', 'FeedForward', { activation: 'silu', gated: true, bias: false }],
    ['GeGLU', 'FeedForward', { activation: 'geluTanh', gated: true, hiddenDim: 5 }],
  ])('%s', async (_, layer, options) => {
    const part = partOf(layer, { ...options, dtype: 'float64' });
    Object.values(part.parameters).forEach(({ data, shape }, n) => data.set(randomTensor(shape, n + 5).data));
    const input = randomTensor([2, 3, 8], 1);
    const dOutput = randomTensor([2, 3, 8], 2);
    const { dInput, parameters } = part.pass(input).gradient(dOutput);
    await expectGradients(
      async () => dot(part.pass(input).output, dOutput),
      { input, ...part.parameters },
      { input: dInput, ...parameters },
    );
  });

  test('feed-forward with dropout', async () => {
    const layer = new FeedForward({ embedDim: 4, dtype: 'float64' });
    const input = randomTensor([5, 4], 1);
    const dOutput = randomTensor([5, 4], 2);
    const options = { dropout: { probability: 0.4, seed: 7 } };
    const { dInput, parameters } = layer.forward(input, options).gradient(dOutput);
    await expectGradients(
      async () => dot(layer.forward(input, options).output, dOutput),
      { input, ...layer.parameters },
      { input: dInput, ...parameters },
    );
  });

  test('an embedding, and cross-entropy of its scores', async () => {
    const layer = new Embedding({ count: 5, embedDim: 4, dtype: 'float64', random: seededRandom(1) });
    const ids = [[0, 4, -1, 4]];
    const target = [[1, 0, -100, 2]];
    const options = { labelSmoothing: 0.2 };
    const loss = () => crossEntropy(layer.scores(layer.forward(ids)), target, options);
    const ofScores = layer.scoresGradient(layer.forward(ids), loss().dLogits);
    await expectGradients(
      async () => loss().loss,
      { ...layer.parameters },
      addGradients(ofScores.parameters, layer.gradient(ids, ofScores.dInput).parameters),
    );
  });
});

describe('what is padding and may be NaN reaches no gradient', () => {
  const input = tensor(Float32Array.from([1, 2, 3, 4, NaN, NaN, NaN, NaN]), [2, 4]);
  const dOutput = tensor(Float32Array.from([1, -1, 2, 0.5, 0, 0, 0, 0]), [2, 4]);
  test.each<[string, ModuleCase['layer'], object]>([
    ['LayerNorm', 'LayerNorm', {}],
    ['RMSNorm', 'RMSNorm', {}],
    ['feed-forward', 'FeedForward', {}],
    ['SwiGLU', 'FeedForward', { activation: 'silu', gated: true }],
  ])('of %s', (_, layer, options) => {
    const { dInput, parameters } = partOf(layer, { ...options, embedDim: 4 })
      .pass(input)
      .gradient(dOutput);
    for (const { data } of [dInput, ...Object.values(parameters)]) {
      expect(data.every(Number.isFinite)).toBe(true);
    }
  });
});

describe('dropout', () => {
  const ones = (size: number): FloatTensor => tensor(new Float64Array(size).fill(1), [size]);

  test('is the generator that its documentation names, bit by bit', () => {
    // Known answers of Random123 for Philox4x32-10: counter 0 and key 0 give these words.
    const words = [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8];
    for (const [n, word] of words.entries()) {
      for (const [probability, isKept] of [
        [word / 2 ** 32, true],
        [(word + 1) / 2 ** 32, false],
      ] as const) {
        const kept = dropout(ones(4), { probability, seed: 0 }).data[n];
        expect(kept !== 0).toBe(isKept);
      }
    }
  });

  test('drops its share, scales the rest, and is the same for the same seed and stream alone', () => {
    const options = { probability: 0.3, seed: 2 ** 40 + 5 };
    const { data } = dropout(ones(40_000), options);
    const zeros = data.filter((value) => value === 0).length;
    expect(Math.abs(zeros / data.length - 0.3)).toBeLessThan(0.01);
    expect(data.every((value) => value === 0 || value === 1 / 0.7)).toBe(true);
    expect(dropout(ones(40_000), options).data).toEqual(data);
    for (const other of [{ seed: 5 }, { seed: 2 ** 40 + 6 }, { stream: 1 }, { stream: 2 ** 32 - 1 }]) {
      expect(dropout(ones(40_000), { ...options, ...other }).data).not.toEqual(data);
    }
    expect(() => dropout(ones(9), { ...options, stream: 2 ** 32 })).toThrow(
      expect.objectContaining({ code: 'ARGUMENT', message: expect.stringContaining('stream') as string }),
    );
    expect(dropout(ones(9), options).data).toEqual(data.slice(0, 9));
  });

  test('its gradient is itself', async () => {
    const options = { probability: 0.5, seed: 3 };
    const input = randomTensor([4, 6], 1);
    const dOutput = randomTensor([4, 6], 2);
    await expectGradients(
      async () => dot(dropout(input, options), dOutput),
      { input },
      { input: dropout(dOutput, options) },
    );
  });
});

describe(`files of safetensors ${torch.safetensors}`, () => {
  const tensors = decodeAll(torch.file.tensors);

  test('are written byte by byte', () => {
    const { metadata, bytes, withoutMetadata } = torch.file;
    expect(writeSafetensors(tensors, { metadata })).toEqual(bytesOf(bytes));
    expect(writeSafetensors(tensors)).toEqual(bytesOf(withoutMetadata));
  });

  test('are read back as they were written', () => {
    const file = readSafetensors(writeSafetensors(tensors, { metadata: { a: 'b' } }));
    expect(file.metadata).toEqual({ a: 'b' });
    expect(file.stateDict()).toEqual(tensors);
    expect(readSafetensors(writeSafetensors({})).names).toEqual([]);
    const strange = Object.defineProperty({}, '__proto__', { enumerable: true, value: tensors['a'] });
    expect(readSafetensors(writeSafetensors(strange as StateDict)).names).toEqual(['__proto__']);
  });

  test.each<[string, string, () => unknown]>([
    ['ARGUMENT', 'a number among the remarks', () => writeSafetensors({}, { metadata: { a: 1 as never } })],
    ['ARGUMENT', 'a tensor named __metadata__', () => writeSafetensors({ __metadata__: tensors['a'] })],
    ['SHAPE', 'no tensor', () => writeSafetensors({ a: 1 as never })],
    ['UNKNOWN_OPTION', 'another option', () => writeSafetensors({}, { meta: {} } as never)],
  ])('%s for %s', (code, _, work) => {
    expect(work).toThrow(expect.objectContaining({ code }) as Error);
  });
});

test('parameters are collected under names joined by dots, as they are', () => {
  const inner = new LayerNorm({ embedDim: 2 });
  const all = collectParameters({
    norm: inner,
    blocks: [inner.parameters, { parameters: inner.parameters }],
  });
  expect(Object.keys(all)).toEqual([
    'norm.weight',
    'norm.bias',
    'blocks.0.weight',
    'blocks.0.bias',
    'blocks.1.weight',
    'blocks.1.bias',
  ]);
  expect(all['blocks.1.bias']).toBe(inner.parameters['bias']);
});

describe('mistakes have a code', () => {
  const x: Tensor<'float32'> = tensor(new Float32Array(8), [2, 4]);
  const embedding = new Embedding({ count: 3, embedDim: 4 });
  test.each<[string, string, () => unknown]>([
    ['SHAPE', 'rows of another width', () => new LayerNorm({ embedDim: 3 }).forward(x)],
    ['SHAPE', 'a gradient of another width', () => new RMSNorm({ embedDim: 4 }).gradient(x, [[1, 2]])],
    ['DTYPE', 'rows of another type', () => new FeedForward({ embedDim: 4, dtype: 'float64' }).forward(x)],
    ['ARGUMENT', 'an unknown activation', () => activate('swish' as never, x)],
    ['ARGUMENT', 'an id without a row', () => embedding.forward([3])],
    ['ARGUMENT', 'an id below −1', () => embedding.forward([-2])],
    ['DTYPE', 'ids that are floats', () => embedding.forward(x)],
    ['SHAPE', 'a gradient of other ids', () => embedding.gradient([1], x)],
    ['SHAPE', 'fewer targets than rows', () => crossEntropy(x, [1])],
    ['ARGUMENT', 'a target that is not a class', () => crossEntropy(x, [0, 4])],
    ['ARGUMENT', 'everything dropped', () => dropout(x, { probability: 1, seed: 1 })],
    ['ARGUMENT', 'no seed', () => dropout(x, { probability: 0.5 } as never)],
    ['ARGUMENT', 'a norm of 0', () => clipGradients({}, 0)],
    [
      'MISSING_INPUT',
      'a state dict without a gate',
      () =>
        new FeedForward({ embedDim: 4, gated: true }).loadStateDict(
          new FeedForward({ embedDim: 4 }).parameters,
        ),
    ],
  ])('%s for %s', (code, _, work) => {
    expect(work).toThrow(expect.objectContaining({ code }) as Error);
  });

  test('rows that do not count have no loss', () => {
    const { loss, losses, dLogits } = crossEntropy(x, [-100, -100]);
    expect([loss, ...losses, ...dLogits.data].every((value) => value === 0)).toBe(true);
  });
});

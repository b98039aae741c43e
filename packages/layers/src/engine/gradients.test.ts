import { type AttentionBackend, type ResidentTensor, type Tensor, tensor } from '@heed/core';
import ts from '@heed/backend-ts';
import { describe, expect, test, vi } from 'vitest';
import { FeedForward, MultiHeadAttention, TransformerBlock, seededRandom } from '../index.ts';
import type { NamedTensors } from '../parameters.ts';

const scalar = await ts.create();

/** The backend with its projections, and the tensors that were uploaded to it. */
function engineOf(uploaded: ResidentTensor[] = []): AttentionBackend {
  const { compile } = scalar.linear!;
  const upload = async (given: Tensor): Promise<ResidentTensor> => {
    const resident = await scalar.upload(given);
    uploaded.push(resident);
    return resident;
  };
  return Object.create(scalar, {
    linear: { value: { compile } },
    upload: { value: upload },
  }) as AttentionBackend;
}

/** An engine with projections alone: gates and dropout are computed here. */
function projectionsOnly(): AttentionBackend {
  const capabilities = { ...scalar.capabilities, operations: ['linear', 'linear.residual'] };
  return Object.create(engineOf(), {
    capabilities: { value: capabilities },
    ...Object.fromEntries(['norm', 'rotary', 'elementDropout'].map((name) => [name, { value: undefined }])),
  }) as AttentionBackend;
}

/** The backend without projections: layers compute them themselves. */
const here = Object.create(scalar, { linear: { value: undefined } }) as AttentionBackend;

function input(seed: number, length: number): Tensor<'float64'> {
  const random = seededRandom(seed);
  return tensor(
    Float64Array.from({ length: 2 * length * 24 }, () => 2 * random() - 1),
    [2, length, 24],
  );
}

interface Gradients {
  readonly parameters: NamedTensors;
  readonly weights?: Tensor;
}

/** Expects every gradient of two passes to be the same, but for rounding. */
function expectSame(actual: Gradients, expected: Gradients): void {
  const flat = ({ parameters, ...inputs }: Gradients): [string, Tensor][] =>
    Object.entries({ ...inputs, ...parameters }).toSorted(([a], [b]) => (a < b ? -1 : 1)) as [
      string,
      Tensor,
    ][];
  expect(flat(actual).map(([name, { shape }]) => [name, ...shape])).toEqual(
    flat(expected).map(([name, { shape }]) => [name, ...shape]),
  );
  const others = flat(expected);
  for (const [n, [name, { data }]] of flat(actual).entries()) {
    const difference = Math.max(...Array.from(data, (value, i) => Math.abs(value - others[n]![1].data[i]!)));
    expect(difference, name).toBeLessThan(1e-12);
  }
}

const common = { embedDim: 24, heads: 4, dtype: 'float64' } as const;
const bias = tensor(
  Float64Array.from({ length: 33 * 33 }, (_, n) => Math.sin(n)),
  [1, 1, 33, 33],
);

describe.each([
  ['self-attention', {}, {}],
  ['sinks, groups and a bias', { kvHeads: 2, sinks: true, bias: false }, { bias, causal: true }],
  ['cross-attention', {}, { key: input(5, 40) }],
  ['rotary', { rotary: {}, kvHeads: 2 }, { causal: true }],
  [
    'rotary: a part of neighbors, scaled, positions of each',
    { rotary: { dim: 4, interleaved: true, scaling: { kind: 'dynamic', factor: 2, trainedLength: 16 } } },
    {
      key: input(5, 40),
      queryPositions: tensor(
        Int32Array.from({ length: 66 }, (_, n) => (7 * n) % 45),
        [2, 33],
      ),
      keyPositions: tensor(
        Int32Array.from({ length: 40 }, (_, n) => n),
        [40],
      ),
    },
  ],
  ['rotary and norms of heads', { rotary: {}, queryKeyNorm: {} }, { causal: true }],
  ['norms of heads in groups', { kvHeads: 2, queryKeyNorm: { unitOffset: true } }, { key: input(5, 40) }],
] as const)('multi-head attention: %s', (_, options, more) => {
  const layer = new MultiHeadAttention({ ...common, ...options, random: seededRandom(3) });
  const inputs = { query: input(1, 33), ...more };
  const dOutput = input(2, 33);

  test('the gradient on an engine is that of the layer, called once or twice', async () => {
    const expected = await layer.forward(here, inputs, { gradient: true, weights: true });
    const actual = await layer.forward(engineOf(), inputs, { gradient: true, weights: true });
    expectSame(
      { weights: actual.weights, parameters: { output: actual.output } },
      {
        weights: expected.weights,
        parameters: { output: expected.output },
      },
    );
    const gradients = await expected.gradient(dOutput);
    expectSame(await actual.gradient(dOutput), gradients);
    expectSame(await actual.gradient(dOutput), gradients);
    const other = await layer.forward(projectionsOnly(), inputs, { gradient: true });
    expectSame(await other.gradient(dOutput), gradients);
  });
});

test('between input and gradients, only those of parameters are read; the first call frees the rest', async () => {
  const one = await scalar.upload(input(1, 1));
  const read = vi.spyOn(Object.getPrototypeOf(one) as typeof one, 'read');
  one.dispose();
  const uploaded: ResidentTensor[] = [];
  const layer = new MultiHeadAttention({ ...common, random: seededRandom(3) });
  const { gradient } = await layer.forward(engineOf(uploaded), { query: input(1, 40) }, { gradient: true });
  expect(read).not.toHaveBeenCalled();
  expect(uploaded).toHaveLength(1);
  await uploaded[0]!.read();
  await gradient(input(2, 40));
  // The tensor above, and dWeight and dBias of the output's projection.
  expect(read).toHaveBeenCalledTimes(3);
  expect(uploaded).toHaveLength(2);
  for (const tensorThere of uploaded) {
    await expect(tensorThere.read()).rejects.toMatchObject({ code: 'DISPOSED' });
  }
  read.mockRestore();
});

describe.each([
  ['plain', {}, {}],
  ['gated', { gated: true, activation: 'silu', bias: false }, {}],
  ['with dropout', {}, { dropout: { probability: 0.3, seed: 4 } }],
  ['gated, with dropout', { gated: true }, { dropout: { probability: 0.3, seed: 4, stream: 9 } }],
] as const)('a feed-forward layer: %s', (_, options, more) => {
  const layer = new FeedForward({ embedDim: 24, dtype: 'float64', random: seededRandom(6), ...options });

  test('the gradient on an engine is that of the layer', async () => {
    const given = input(1, 40);
    const expected = layer.forward(given, more);
    for (const backend of [engineOf(), projectionsOnly(), scalar]) {
      const actual = await layer.forwardOn(backend, given, { gradient: true, ...more });
      expectSame({ parameters: { output: actual.output } }, { parameters: { output: expected.output } });
      expectSame(await actual.gradient(input(2, 40)), expected.gradient(input(2, 40)));
      expectSame(await actual.gradient(input(2, 40)), expected.gradient(input(2, 40)));
    }
    const { output } = await layer.forwardOn(engineOf(), given, more);
    expectSame({ parameters: { output } }, { parameters: { output: expected.output } });
  });
});

test.each([
  ['pre-norm', {}],
  ['a decoder block, post-norm', { cross: true, normFirst: false, activation: 'relu' }],
] as const)('a block: %s', async (_, options) => {
  const block = new TransformerBlock({ ...common, ...options, random: seededRandom(8) });
  const inputs = { input: input(1, 36), causal: true, ...('cross' in options && { memory: input(3, 35) }) };
  for (const more of [{}, { dropout: { probability: 0.2, seed: 5 } }]) {
    const expected = await block.forward(here, inputs, { gradient: true, ...more });
    const gradients = await expected.gradient(input(2, 36));
    const engine = engineOf();
    const actual = await block.forward(engine, inputs, { gradient: true, ...more });
    expectSame(await actual.gradient(input(2, 36)), gradients);
    const elsewhere = await block.forward(here, inputs, { gradient: engine, ...more });
    expectSame(await elsewhere.gradient(input(2, 36)), gradients);
  }
});

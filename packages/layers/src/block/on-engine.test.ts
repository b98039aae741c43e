import { type AttentionBackend, type ResidentTensor, type Tensor, tensor } from '@heed/core';
import ts from '@heed/backend-ts';
import { expect, test, vi } from 'vitest';
import { TransformerBlock, type TransformerBlockOptions, seededRandom } from '../index.ts';
import type { NamedTensors } from '../parameters.ts';

const scalar = await ts.create();
/** The backend as if its projections had vectors: layers then use them. */
const engine = Object.create(scalar, {
  linear: { value: { compile: scalar.linear!.compile } },
}) as AttentionBackend;

/** The backend without operations: blocks compute them themselves. */
const here = Object.create(scalar, {
  linear: { value: undefined },
  norm: { value: undefined },
}) as AttentionBackend;

const random = seededRandom(5);
const numbers = (length: number): Tensor<'float64'> =>
  tensor(
    Float64Array.from({ length: 2 * length * 24 }, () => 2 * random() - 1),
    [2, length, 24],
  );
const input = numbers(40);
const dOutput = numbers(40);
const bias = tensor(
  Float64Array.from({ length: 1600 }, (_, n) => Math.sin(n)),
  [1, 1, 40, 40],
);

const BLOCKS = {
  'pre-norm': {},
  'post-norm': { normFirst: false },
  'pre-norm, rms, no biases': { norm: 'rms', bias: false, epsilon: 1e-4 },
  'post-norm, rms, groups and sinks': {
    normFirst: false,
    norm: 'rms',
    activation: 'relu',
    attention: { kvHeads: 2, sinks: true },
  },
  'pre-norm, gated': { gated: true, activation: 'silu', norm: 'rms' },
  'post-norm, gated, no biases': { gated: true, activation: 'gelu', normFirst: false, bias: false },
  'norms of heads and rotary': { attention: { kvHeads: 2, rotary: {}, queryKeyNorm: { epsilon: 1e-3 } } },
  'norms of heads, one more': { normFirst: false, attention: { queryKeyNorm: { unitOffset: true } } },
  'pre-norm, rms, rotary': { norm: 'rms', bias: false, attention: { kvHeads: 2, rotary: { factor: 1.1 } } },
} as const;

const blockOf = (options: Partial<TransformerBlockOptions>): TransformerBlock =>
  new TransformerBlock({ embedDim: 24, heads: 4, dtype: 'float64', random: seededRandom(3), ...options });

interface Gradients {
  readonly dInput: Tensor;
  readonly dBias?: Tensor;
  readonly parameters: NamedTensors;
}

function expectSame(
  actual: Readonly<Record<string, Tensor>>,
  expected: Readonly<Record<string, Tensor>>,
): void {
  expect(Object.keys(actual).toSorted()).toEqual(Object.keys(expected).toSorted());
  for (const [name, { shape, data }] of Object.entries(expected)) {
    expect(actual[name]!.shape, name).toEqual(shape);
    const difference = Math.max(...Array.from(data, (x, n) => Math.abs(x - actual[name]!.data[n]!)));
    expect(difference, name).toBeLessThan(1e-12);
  }
}

const flat = ({ parameters, dInput, dBias }: Gradients): Record<string, Tensor> => ({
  ...parameters,
  dInput,
  ...(dBias && { dBias }),
});

/** Counts reads of resident tensors during some work. */
async function readsDuring(work: () => Promise<unknown>): Promise<number> {
  const one = await engine.upload(input);
  const read = vi.spyOn(Object.getPrototypeOf(one) as ResidentTensor, 'read');
  one.dispose();
  await work();
  const { length } = read.mock.calls;
  read.mockRestore();
  return length;
}

test.each(Object.entries(BLOCKS))('%s: an engine gives what the block gives here', async (_, options) => {
  const block = blockOf(options);
  const inputs = { input, causal: true, bias };
  const attentionDropout = { probability: 0.3, seed: 8 };
  const asked = { gradient: true, weights: true, attentionDropout } as const;
  const expected = await block.forward(here, inputs, asked);
  const gradients = flat(await expected.gradient(dOutput));
  const actual = await block.forward(engine, inputs, asked);
  expectSame(
    { output: actual.output, weights: actual.weights },
    { output: expected.output, weights: expected.weights },
  );
  // The first call frees what the pass has kept; the second runs it again.
  expectSame(flat(await actual.gradient(dOutput)), gradients);
  expectSame(flat(await actual.gradient(dOutput)), gradients);
});

test.each(Object.entries(BLOCKS))('%s: an engine drops what the block drops here', async (_, options) => {
  const block = blockOf(options);
  const asked = { gradient: true, dropout: { probability: 0.3, seed: 2 ** 40 + 5 } } as const;
  const expected = await block.forward(here, { input }, asked);
  const actual = await block.forward(engine, { input }, asked);
  expectSame({ output: actual.output }, { output: expected.output });
  const plain = await block.forward(engine, { input });
  expect(plain.output.data.filter((x, n) => x === actual.output.data[n]).length).toBeLessThan(50);
  const gradients = flat(await expected.gradient(dOutput));
  expectSame(flat(await actual.gradient(dOutput)), gradients);
  expectSame(flat(await actual.gradient(dOutput)), gradients);
  for (const dropout of [
    { probability: 1, seed: 1 },
    { probability: 0.1, seed: 0.5 },
  ])
    await expect(block.forward(engine, { input }, { dropout })).rejects.toMatchObject({ code: 'ARGUMENT' });
});

test.each(Object.entries(BLOCKS))('%s: nothing is read between input and output', async (_, options) => {
  const block = new TransformerBlock({ embedDim: 24, heads: 4, dtype: 'float64', ...options });
  const dropout = { probability: 0.2, seed: 3 };
  expect(await readsDuring(() => block.forward(engine, { input, causal: true }))).toBe(0);
  expect(await readsDuring(() => block.forward(engine, { input, causal: true }, { dropout }))).toBe(0);
  const { gradient } = await block.forward(engine, { input, causal: true }, { gradient: true });
  // Gradients come out at the end: those of the parameters, and that of the input.
  const names = Object.keys(block.parameters).filter((name) => !name.startsWith('feedForward.gate.'));
  // Both halves of a gated projection are one.
  expect(await readsDuring(() => gradient(dOutput))).toBe(names.length + 1);
});

test('a frozen block packs its weights once, and follows a change that it is told of', async () => {
  const block = new TransformerBlock({ embedDim: 24, heads: 4, dtype: 'float64' }).freeze();
  const few = { input: numbers(1), causal: true };
  const first = await block.forward(engine, few);
  expectSame({ output: first.output }, { output: (await block.forward(here, few)).output });
  block.parameters['feedForwardNorm.weight'].data.fill(2);
  const second = await block.forward(engine, few);
  expectSame({ output: second.output }, { output: (await block.forward(here, few)).output });
});

import {
  type AttentionBackend,
  type LinearInputs,
  type LinearKernel,
  type LinearProblem,
  type PackedWeights,
  type RunOptions,
  type Tensor,
  tensor,
} from '@heed/core';
import ts from '@heed/backend-ts';
import { describe, expect, test, vi } from 'vitest';
import { FeedForward, MultiHeadAttention, SGD, TransformerBlock, seededRandom } from '../index.ts';

function layerOf(options: object = {}): MultiHeadAttention {
  return new MultiHeadAttention({ embedDim: 24, heads: 4, kvHeads: 2, random: seededRandom(7), ...options });
}

function input(seed: number, length: number): Tensor<'float32'> {
  const random = seededRandom(seed);
  return tensor(
    Float32Array.from({ length: 2 * length * 24 }, () => 2 * random() - 1),
    [2, length, 24],
  );
}

/** The same backend without its operations: the layer computes projections itself. */
function without(backend: AttentionBackend): AttentionBackend {
  return Object.create(backend, { linear: { value: undefined } }) as AttentionBackend;
}

/** The same backend, which counts what is uploaded and packed, and the packed weights that are not disposed yet. */
function counting(
  backend: AttentionBackend,
  counts: { uploads: number; packs: number; kept?: number },
): AttentionBackend {
  const compile = async (problem: LinearProblem): Promise<LinearKernel> => {
    const kernel = await backend.linear!.compile(problem);
    const packed = new Map<PackedWeights, PackedWeights>();
    const pack: LinearKernel['pack'] = async (given) => {
      counts.packs++;
      const weights = await kernel.pack(given);
      const counted = {
        dispose() {
          counts.kept = (counts.kept ?? 0) - 1;
          weights.dispose();
        },
      } as PackedWeights;
      counts.kept = (counts.kept ?? 0) + 1;
      packed.set(counted, weights);
      return counted;
    };
    const run = (inputs: LinearInputs, options?: RunOptions) =>
      kernel.run(
        { ...inputs, weights: packed.get(inputs.weights)! },
        options as RunOptions & { resident: true },
      );
    return { ...kernel, pack, run: run as unknown as LinearKernel['run'] };
  };
  const upload: AttentionBackend['upload'] = (given) => {
    counts.uploads++;
    return backend.upload(given);
  };
  return Object.create(backend, {
    upload: { value: upload },
    linear: { value: { compile } },
  }) as AttentionBackend;
}

function difference(a: Tensor, b: Tensor): number {
  return Math.max(...Array.from(a.data, (value, n) => Math.abs(value - b.data[n])));
}

/** The same backend, as if it had vector instructions: the layer leaves projections to it. */
function vectorized(backend: AttentionBackend): AttentionBackend {
  const { compile } = backend.linear!;
  return Object.create(backend, { linear: { value: { compile } } }) as AttentionBackend;
}

const scalar = await ts.create();
const backend = vectorized(scalar);

test('a backend that multiplies one number at a time is not asked', async () => {
  const compile = vi.fn<NonNullable<AttentionBackend['linear']>['compile']>(scalar.linear!.compile);
  const asked = (linear: object): Promise<unknown> => {
    const watched = Object.create(scalar, { linear: { value: linear } }) as AttentionBackend;
    return layerOf()
      .freeze()
      .forward(watched, { query: input(1, 70) });
  };
  await asked({ ...scalar.linear, compile });
  expect(compile).not.toHaveBeenCalled();
  await asked({ compile });
  expect(compile).toHaveBeenCalledTimes(4);
});

test('the layer gives what it gives with projections of its own', async () => {
  const layer = layerOf().freeze();
  const inputs = { query: input(1, 6), key: input(2, 9), causal: true, alignment: 'bottomRight' } as const;
  const options = { weights: true, logSumExp: true } as const;
  const mine = await layer.forward(backend, inputs, options);
  const before = await layer.forward(without(backend), inputs, options);
  expect(difference(mine.output, before.output)).toBeLessThan(2e-6);
  expect(difference(mine.weights, before.weights)).toBeLessThan(2e-6);
  expect(difference(mine.logSumExp, before.logSumExp)).toBeLessThan(2e-6);
});

test('parameters are packed at each call, those of a frozen layer once', async () => {
  const counts = { uploads: 0, packs: 0, kept: 0 };
  const counted = counting(backend, counts);
  const layer = layerOf();
  const query = input(3, 40);
  const weight = layer.parameters['value.weight'];
  const resultOf = async (): Promise<Tensor> => (await layer.forward(counted, { query })).output;
  const expected = async (): Promise<Tensor> => (await layer.forward(without(backend), { query })).output;
  const first = await expected();
  expect(difference(await resultOf(), first)).toBeLessThan(2e-6);
  // A call that overlaps keeps the parameters that it began with.
  const under = resultOf();
  await Promise.resolve();
  weight.data[17] += 0.5;
  expect(difference(await resultOf(), await expected())).toBeLessThan(2e-6);
  expect(difference(await under, first)).toBeLessThan(2e-6);
  expect(counts).toMatchObject({ packs: 12, kept: 0 });

  layer.freeze();
  await resultOf();
  await resultOf();
  expect(counts.packs).toBe(16);
  weight.data[17] += 0.5;
  layer.freeze();
  expect(difference(await resultOf(), await expected())).toBeLessThan(2e-6);
  expect(counts.packs).toBe(20);
  const before = await expected();
  layer.loadStateDict({
    ...layer.parameters,
    'value.weight': { ...weight, data: weight.data.map((x) => 2 * x) },
  });
  expect(difference(await resultOf(), await expected())).toBeLessThan(2e-6);
  expect(difference(await expected(), before)).toBeGreaterThan(1e-3);
  // Each of the four was loaded.
  expect(counts.packs).toBe(24);
  new SGD({ learningRate: 0.1 }).step(layer.parameters, { 'value.weight': weight });
  expect(difference(await resultOf(), await expected())).toBeLessThan(2e-6);
  expect(counts).toMatchObject({ packs: 25, kept: 4 });
});

test('weights of a frozen layer that could not be packed are packed at the next call', async () => {
  let failures = 1;
  const compile = async (problem: LinearProblem): Promise<LinearKernel> => {
    const kernel = await backend.linear!.compile(problem);
    const pack: LinearKernel['pack'] = (given) =>
      failures-- > 0 ? Promise.reject(new Error('no memory')) : kernel.pack(given);
    return { ...kernel, pack };
  };
  const failing = Object.create(backend, { linear: { value: { compile } } }) as AttentionBackend;
  const layer = layerOf().freeze();
  const query = input(1, 5);
  await expect(layer.forward(failing, { query })).rejects.toThrow('no memory');
  const { output } = await layer.forward(failing, { query });
  expect(difference(output, (await layer.forward(without(backend), { query })).output)).toBeLessThan(2e-6);
});

test('few rows of a layer that is not frozen are projected without packing', async () => {
  const counts = { uploads: 0, packs: 0 };
  const layer = layerOf();
  const query = input(3, 5);
  const { output } = await layer.forward(counting(backend, counts), { query });
  expect(counts.packs).toBe(0);
  const frozen = await layer.freeze().forward(counting(backend, counts), { query });
  expect(difference(frozen.output, output)).toBeLessThan(2e-6);
  expect(counts.packs).toBe(4);
});

test('one tensor goes in, and nothing is read between input and output', async () => {
  const one = await backend.upload(input(5, 1));
  const read = vi.spyOn(Object.getPrototypeOf(one) as typeof one, 'read');
  await one.read();
  one.dispose();
  expect(read).toHaveBeenCalledTimes(1);
  const counts = { uploads: 0, packs: 0 };
  await layerOf()
    .freeze()
    .forward(counting(backend, counts), { query: input(4, 7), causal: true });
  expect(read).toHaveBeenCalledTimes(1);
  expect(counts).toMatchObject({ uploads: 1, packs: 4 });
  read.mockRestore();
});

describe.each([
  ['a block with a feed-forward layer', {}],
  ['a gated block', { gated: true, activation: 'silu', norm: 'rms' }],
  ['a decoder block, post-norm', { cross: true, normFirst: false, activation: 'relu' }],
] as const)('%s', (_, options) => {
  const block = new TransformerBlock({ embedDim: 24, heads: 4, random: seededRandom(9), ...options });
  const memory = 'cross' in options ? { memory: input(8, 11) } : {};

  test('gives what it gives with projections of its own, frozen or not', async () => {
    for (const length of [3, 40]) {
      const inputs = { input: input(6, length), causal: true, ...memory };
      const expected = await block.forward(without(backend), inputs);
      expect(difference((await block.forward(backend, inputs)).output, expected.output)).toBeLessThan(4e-6);
    }
    const inputs = { input: input(6, 3), causal: true, ...memory };
    const counts = { uploads: 0, packs: 0 };
    const counted = counting(backend, counts);
    const expected = await block.forward(without(backend), inputs, { weights: true });
    block.freeze();
    for (let n = 0; n < 2; n++) {
      const results = await block.forward(counted, inputs, { weights: true });
      expect(difference(results.output, expected.output)).toBeLessThan(4e-6);
      expect(difference(results.weights, expected.weights)).toBeLessThan(4e-6);
    }
    // Both halves of a gated projection are packed as one.
    const projections = 4 + ('cross' in options ? 4 : 0) + 2;
    expect(counts.packs).toBe(projections);
  });

  test('a gradient is that of the block', async () => {
    const inputs = { input: input(6, 3), causal: true, ...memory };
    const { output, gradient } = await block.forward(backend, inputs, { gradient: true });
    expect((await gradient(output)).dInput.shape).toEqual([2, 3, 24]);
  });
});

test('nothing is read between the projections of a feed-forward layer', async () => {
  const one = await backend.upload(input(5, 1));
  const read = vi.spyOn(Object.getPrototypeOf(one) as typeof one, 'read');
  one.dispose();
  const layer = new FeedForward({ embedDim: 24, random: seededRandom(2) }).freeze();
  const given = input(1, 5);
  const { output } = await layer.forwardOn(backend, given);
  expect(read).not.toHaveBeenCalled();
  expect(difference(output, layer.forward(given).output)).toBeLessThan(2e-6);
  read.mockRestore();
  const controller = new AbortController();
  controller.abort(new Error('enough'));
  await expect(layer.forwardOn(backend, given, { signal: controller.signal })).rejects.toThrow('enough');
  await expect(layer.forwardOn(backend, [[1]])).rejects.toMatchObject({ code: 'SHAPE' });
  await expect(layer.forwardOn(backend, given, { signals: 1 } as never)).rejects.toMatchObject({
    code: 'UNKNOWN_OPTION',
  });
});

test.each([
  ['rotary and norms of heads', { rotary: {}, queryKeyNorm: {} }],
  ['nothing in between', {}],
] as const)('a cache grows on the engine as it does here: %s', async (_, options) => {
  const layer = layerOf(options);
  const whole = { query: input(4, 12), causal: true };
  const expected = await layer.forward(without(backend), whole);
  const counts = { uploads: 0, packs: 0 };
  const counted = counting(backend, counts);
  layer.freeze();
  expect(difference((await layer.forward(counted, whole)).output, expected.output)).toBeLessThan(2e-6);
  const cache = await layer.cache(counted, { batch: 2, capacity: 12 });
  for (let n = 0; n < 12; n++) {
    const row = (tensorOf: Tensor): Float32Array =>
      Float32Array.from(
        [0, 1].flatMap((b) => [...tensorOf.data.slice((b * 12 + n) * 24, (b * 12 + n + 1) * 24)]),
      );
    const query = tensor(row(whole.query), [2, 1, 24]);
    const { output } = await layer.forward(counted, { query, causal: true, cache });
    expect(difference(output, tensor(row(expected.output), [2, 1, 24]))).toBeLessThan(2e-6);
  }
  expect(counts.packs).toBe(4);
  cache.dispose();
});

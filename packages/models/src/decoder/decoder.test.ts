import ts from '@heed/backend-ts';
import { type Tensor, cast, tensor } from '@heed/core';
import {
  Embedding,
  LayerNorm,
  Linear,
  RMSNorm,
  type StateDict,
  TransformerBlock,
  openSafetensors,
  writeSafetensors,
} from '@heed/layers';
import { describe, expect, test } from 'vitest';
import { Decoder } from '../index.ts';
import { logProbabilitiesOf } from './log-probabilities.ts';
import { CONFIGS, type Kind, TINY, ggufFile, hubFiles, weightsOf } from '../test/tiny-decoder.ts';

const backend = await ts.create();
const KINDS = Object.keys(CONFIGS) as Kind[];
const ids = [3, 1, 4, 1, 5, 9, 2, 6];

function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return Array.from(a).reduce((worst, value, n) => Math.max(worst, Math.abs(value - b[n]!)), 0);
}

/** The same model of whole blocks of `@heed/layers`, which are compared with those of transformers there. */
async function logitsOfLayers(kind: Kind): Promise<ArrayLike<number>> {
  const dict = weightsOf(kind);
  const isGPT2 = kind === 'gpt2';
  const names = isGPT2
    ? { words: 'transformer.wte', block: 'transformer.h', norm: 'transformer.ln_f' }
    : { words: 'model.embed_tokens', block: 'model.layers', norm: 'model.norm' };
  const under = (prefix: string): StateDict =>
    Object.fromEntries(
      Object.entries(dict)
        .filter(([name]) => name.startsWith(`${prefix}.`))
        .map(([name, value]) => [name.slice(prefix.length + 1), value]),
    );
  const { width, vocabulary, heads, hidden, positions } = TINY;
  const words = new Embedding({ count: vocabulary, embedDim: width });
  words.loadStateDict(under(names.words));
  let stream = words.forward([ids]);
  if (isGPT2) {
    const places = new Embedding({ count: positions, embedDim: width });
    places.loadStateDict(under('transformer.wpe'));
    const { data } = places.forward([ids.map((_, n) => n)]);
    stream = tensor(
      Float32Array.from(stream.data, (value, n) => value + data[n]),
      stream.shape,
    );
  }
  for (let n = 0; n < TINY.layers; n++) {
    const block = new TransformerBlock({
      embedDim: width,
      heads,
      hiddenDim: hidden,
      epsilon: 1e-5,
      ...(isGPT2
        ? { activation: 'geluTanh' }
        : {
            norm: 'rms',
            gated: true,
            activation: 'silu',
            bias: false,
            attention: {
              kvHeads: 2,
              headDim: 4,
              rotary: { base: 100 },
              bias: {
                query: kind === 'qwen2',
                key: kind === 'qwen2',
                value: kind === 'qwen2',
                output: false,
              },
              ...(kind === 'qwen3' && { queryKeyNorm: { epsilon: 1e-5 } }),
            },
          }),
    });
    block.loadStateDict(dict, { prefix: `${names.block}.${n}.` });
    stream = (await block.forward(backend, { input: stream, causal: true })).output;
  }
  const norm = isGPT2 ? new LayerNorm({ embedDim: width }) : new RMSNorm({ embedDim: width, epsilon: 1e-5 });
  norm.loadStateDict(under(names.norm));
  const normalized = norm.forward(stream);
  if (kind !== 'qwen2') return words.scores(normalized).data;
  const head = new Linear({ inputDim: width, outputDim: vocabulary, bias: false });
  head.loadStateDict(under('lm_head'));
  return head.forward(normalized).data;
}

test.each(KINDS.flatMap((kind) => [[kind, 'float16'] as const, [kind, 'bfloat16'] as const]))(
  'matrices of a %s in %s stay in 16 bits: the scores are those of the widened file',
  async (kind, dtype) => {
    const { config } = await hubFiles(kind);
    const half = Object.fromEntries(
      Object.entries(weightsOf(kind)).map(([name, value]) => [name, cast(value as Tensor<'float32'>, dtype)]),
    );
    const file = await openSafetensors(new Blob([writeSafetensors(half) as BlobPart]));
    const taken: string[] = [];
    const stored = (name: string): Promise<Tensor> => {
      taken.push(name);
      return file.stored(name);
    };
    const { names, tensor: widened } = file;
    const kept = await Decoder.load(backend, { config, weights: { names, tensor: widened, stored } });
    const matrices = kind === 'gpt2' ? 0 : 7;
    expect(taken.filter((name) => name.endsWith('proj.weight')).length).toBe(matrices * TINY.layers);
    const wide = await Decoder.load(backend, { config, weights: { names, tensor: widened } });
    // A source that widens nothing, not even norms and biases.
    const narrow = await Decoder.load(backend, { config, weights: { names, tensor: file.stored } });
    const expected = await wide.run([ids]);
    for (const model of [kept, narrow]) {
      expect(distance((await model.run([ids])).logits.data, expected.logits.data)).toBeLessThan(1e-6);
    }
  },
);

describe.each(KINDS)('%s', (kind) => {
  test('scores are those of blocks of layers', async () => {
    const model = await Decoder.load(backend, await hubFiles(kind));
    const { logits } = await model.run([ids], { logits: 'all' });
    expect(logits.shape).toEqual([1, ids.length, TINY.vocabulary]);
    expect(distance(logits.data, await logitsOfLayers(kind))).toBeLessThan(1e-5);
    expect((await model.run([ids])).logits.data).toEqual(logits.data.slice(-TINY.vocabulary));
    const likelihoods = await model.likelihoods(ids);
    const second = logProbabilitiesOf(logits.data.subarray(0, TINY.vocabulary))[ids[1]!];
    expect(likelihoods[0]).toBeCloseTo(second!, 6);
    expect(likelihoods.length).toBe(ids.length - 1);
  });

  test('token by token is all at once; a prefix is used again', async () => {
    const model = await Decoder.load(backend, await hubFiles(kind));
    const whole = (await model.run([ids], { logits: 'all' })).logits.data;
    const rowOf = (n: number): Float32Array => whole.subarray(n * TINY.vocabulary, (n + 1) * TINY.vocabulary);
    const cache = await model.cache({ capacity: 10 });
    await model.run([ids.slice(0, 3)], { cache, logits: 'none' });
    for (let n = 3; n < ids.length; n++) {
      const { logits } = await model.run([[ids[n]!]], { cache });
      expect(distance(logits.data, rowOf(n))).toBeLessThan(1e-5);
    }
    expect(cache.lengths).toEqual([ids.length]);
    cache.truncate(5);
    const { logits } = await model.run([ids.slice(5)], { cache });
    expect(distance(logits.data, rowOf(7))).toBeLessThan(1e-5);
    await expect(model.run([ids], { cache })).rejects.toMatchObject({ code: 'ARGUMENT' });
    expect(cache.lengths).toEqual([ids.length]);
    cache.dispose();
  });

  test('a longer text stays on a backend that offers all it needs, but in layers that are looked into', async () => {
    const model = await Decoder.load(backend, await hubFiles(kind));
    const text = Array.from({ length: 18 }, (_, n) => (7 * n) % TINY.vocabulary);
    let norms = 0;
    const compile: NonNullable<typeof backend.norm>['compile'] = async (problem) => {
      const kernel = await backend.norm!.compile(problem);
      const run = (...given: Parameters<typeof kernel.run>): ReturnType<typeof kernel.run> => {
        norms++;
        return kernel.run(...given);
      };
      return { ...kernel, run } as typeof kernel;
    };
    const there = model.on({ ...backend, linear: { ...backend.linear!, scalar: false }, norm: { compile } });
    const expected = await model.run([text], { logits: 'all' });
    const { logits } = await there.run([text], { logits: 'all' });
    expect(norms).toBe(2 * TINY.layers);
    expect(distance(logits.data, expected.logits.data)).toBeLessThan(1e-5);
    for (let layer = 0; layer < TINY.layers; layer++) {
      norms = 0;
      const capture = [{ layer, what: 'residual' }] as const;
      const looked = await there.run([text], { logits: 'all', capture });
      const right = await model.run([text], { capture });
      expect(norms).toBe(2 * (TINY.layers - 1));
      expect(distance(looked.logits.data, expected.logits.data)).toBeLessThan(1e-5);
      expect(distance(looked.captured[0]!.data, right.captured[0]!.data)).toBeLessThan(1e-5);
    }
    norms = 0;
    await there.run([ids]);
    expect(norms).toBe(0);
  });

  test('texts of a batch are each as alone, whatever their lengths', async () => {
    const model = await Decoder.load(backend, await hubFiles(kind));
    const cache = await model.cache({ batch: 2, capacity: 12 });
    const texts = [ids, [7, 7, 2]];
    const padded = texts.map((text) => [...text, ...Array<number>(ids.length - text.length).fill(0)]);
    const first = await model.run(padded, { cache, counts: [8, 3] });
    const next = await model.run([[10], [11]], { cache });
    expect(cache.lengths).toEqual([9, 4]);
    for (const [b, text] of texts.entries()) {
      const row = (data: Float32Array): Float32Array =>
        data.subarray(b * TINY.vocabulary, (b + 1) * TINY.vocabulary);
      const alone = await model.run([text]);
      expect(distance(row(first.logits.data), alone.logits.data)).toBeLessThan(1e-5);
      const longer = await model.run([[...text, 10 + b]]);
      expect(distance(row(next.logits.data), longer.logits.data)).toBeLessThan(1e-5);
    }
    const twice = await cache.gather([1, 1, 0]);
    expect(twice.lengths).toEqual([4, 4, 9]);
    await twice.reorder([2, 2, 1]);
    const { logits } = await model.run([[1], [1], [1]], { cache: twice });
    const expected = await model.run([[...ids, 10, 1]]);
    expect(distance(logits.data.subarray(0, TINY.vocabulary), expected.logits.data)).toBeLessThan(1e-5);
    cache.dispose();
    twice.dispose();
  });

  test('a text of no tokens waits while others go on', async () => {
    const model = await Decoder.load(backend, await hubFiles(kind));
    const cache = await model.cache({ batch: 3, capacity: 16 });
    const row = ({ data }: { readonly data: Float32Array }, b: number): Float32Array =>
      data.subarray(b * TINY.vocabulary, (b + 1) * TINY.vocabulary);
    const empty = Array<number>(ids.length).fill(0);
    await model.run([ids, empty, empty], { cache, counts: [8, 0, 0] });
    expect(cache.lengths).toEqual([8, 0, 0]);
    const second = await model.run(
      [
        [0, 0],
        [7, 7],
        [0, 0],
      ],
      { cache, counts: [0, 2, 0] },
    );
    expect(cache.lengths).toEqual([8, 2, 0]);
    const third = await model.run([[10], [0], [3]], { cache, counts: [1, 0, 1] });
    expect(cache.lengths).toEqual([9, 2, 1]);
    for (const [logits, b, text] of [
      [second.logits, 1, [7, 7]],
      [third.logits, 0, [...ids, 10]],
      [third.logits, 2, [3]],
    ] as const) {
      expect(distance(row(logits, b), (await model.run([text])).logits.data)).toBeLessThan(1e-5);
    }
    expect(third.logits.data.every(Number.isFinite)).toBe(true);
    cache.dispose();
  });
});

describe.each([
  ['float16', 0.01],
  ['bfloat16', 0.05],
  ['int8', 0.1],
  ['int4x2', 1.5],
] as const)('a cache of %s', (type, tolerance) => {
  test('gives nearly the scores of float32, and exactly its own at once, token by token, and of a batch', async () => {
    const model = await Decoder.load(backend, await hubFiles('llama'));
    const exact = (await model.run([ids])).logits.data;
    const cache = await model.cache({ batch: 2, capacity: 12, type });
    expect(cache.type).toBe(type);
    const short = [7, 7, 2];
    const padded = [ids, [...short, ...Array<number>(ids.length - short.length).fill(0)]];
    const { logits } = await model.run(padded, { cache, counts: [ids.length, short.length] });
    const row = logits.data.subarray(0, TINY.vocabulary);
    expect(distance(row, exact)).toBeLessThan(tolerance);
    // Something was rounded.
    expect(distance(row, exact)).toBeGreaterThan(1e-7);
    const single = await model.cache({ capacity: 12, type });
    for (const id of ids.slice(0, -1)) await model.run([[id]], { cache: single, logits: 'none' });
    const last = await model.run([ids.slice(-1)], { cache: single });
    expect(distance(last.logits.data, row)).toBeLessThan(1e-5);
    const exchanged = await cache.gather([1, 0]);
    await exchanged.reorder([1, 0]);
    exchanged.truncate([ids.length - 1, short.length]);
    const again = await model.run([ids.slice(-1), [5]], { cache: exchanged });
    expect(distance(again.logits.data.subarray(0, TINY.vocabulary), row)).toBeLessThan(1e-5);
    for (const made of [cache, single, exchanged]) made.dispose();
  });

  test('weights can be read and put back', async () => {
    const model = await Decoder.load(backend, await hubFiles('llama'));
    const capture = [{ layer: 1, heads: [1, 3], what: 'weights' }] as const;
    const cache = await model.cache({ capacity: 12, type });
    const plain = await model.run([ids], { cache, capture });
    cache.truncate(0);
    const change = [{ layer: 1, heads: [1, 3], what: 'weights', value: plain.captured[0]! }] as const;
    const changed = await model.run([ids], { cache, change });
    expect(distance(changed.logits.data, plain.logits.data)).toBeLessThan(1e-5);
    cache.dispose();
  });
});

test('a type of cache that a backend lacks is refused by name', async () => {
  const { features } = backend.capabilities;
  const without = Object.create(backend, {
    capabilities: {
      value: { ...backend.capabilities, features: features.filter((name) => name !== 'cache.int8') },
    },
  }) as typeof backend;
  const model = (await Decoder.load(backend, await hubFiles('llama'))).on(without);
  await expect(model.cache({ type: 'int8' })).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  await expect(model.cache({ type: 'int7' as never })).rejects.toMatchObject({ code: 'ARGUMENT' });
});

test.each(['llama', 'qwen2', 'qwen3'] as const)(
  '%s: the same weights as GGUF give the same scores',
  async (kind) => {
    const hub = await Decoder.load(backend, await hubFiles(kind));
    const gguf = await Decoder.load(backend, await ggufFile(kind));
    expect((await gguf.run([ids])).logits.data).toEqual((await hub.run([ids])).logits.data);
  },
);

test('weights that the configuration does not have, or lacks, are refused', async () => {
  const { config, weights } = await hubFiles('qwen2');
  await expect(
    Decoder.load(backend, { config: { ...config, tie_word_embeddings: true, vocab_size: 9 }, weights }),
  ).rejects.toMatchObject({ code: 'SHAPE' });
  await expect(
    Decoder.load(backend, { config: { ...config, num_hidden_layers: 1 }, weights }),
  ).rejects.toMatchObject({ code: 'UNEXPECTED_INPUT' });
  await expect(
    Decoder.load(backend, { config: { ...config, num_hidden_layers: 3 }, weights }),
  ).rejects.toMatchObject({ code: 'MISSING_INPUT' });
});

test.each(['n_positions', 'n_inner'])(
  '%s that is wrong by orders of magnitude takes no memory',
  async (name) => {
    const { config, weights } = await hubFiles('gpt2');
    for (const value of [2 ** 40, 2 ** 52]) {
      await expect(
        Decoder.load(backend, { config: { ...config, [name]: value }, weights }),
      ).rejects.toMatchObject({ code: 'SHAPE', clause: 'models.weights' });
    }
  },
);

test('ids, counts and caches are checked before anything runs', async () => {
  const model = await Decoder.load(backend, await hubFiles('llama'));
  const cache = await model.cache({ batch: 2 });
  const refused: [string, () => Promise<unknown>][] = [
    ['SHAPE', () => model.run([])],
    ['SHAPE', () => model.run(ids as never)],
    ['DTYPE', () => model.run(tensor(new Float32Array(2), [1, 2]))],
    ['ARGUMENT', () => model.run([[17]])],
    ['ARGUMENT', () => model.run([ids], { cache })],
    ['SHAPE', () => model.run([ids], { counts: [9] })],
    ['ARGUMENT', () => model.run([ids], { counts: [-1] })],
    ['ARGUMENT', () => model.run([Array<number>(25).fill(1)])],
    ['UNKNOWN_OPTION', () => model.run([ids], { weights: true } as never)],
    ['ARGUMENT', () => model.likelihoods([1])],
    ['ARGUMENT', () => model.cache({ capacity: 25 })],
    ['ARGUMENT', async () => cache.truncate(1)],
  ];
  for (const [code, work] of refused) await expect(work()).rejects.toMatchObject({ code });
  const remedy = expect.stringContaining('the lengths as counts');
  await expect(model.run([ids, ids.slice(1)])).rejects.toMatchObject({ code: 'SHAPE', remedy });
  cache.dispose();
});

test('an abort ends a run, and the cache keeps what it had', async () => {
  const model = await Decoder.load(backend, await hubFiles('llama'));
  const cache = await model.cache();
  const reason = new Error('enough');
  const control = new AbortController();
  const run = model.run([ids], { cache, signal: control.signal });
  control.abort(reason);
  await expect(run).rejects.toBe(reason);
  expect(cache.lengths).toEqual([0]);
  cache.dispose();
});

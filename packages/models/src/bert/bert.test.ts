import ts from '@heed/backend-ts';
import wasm from '@heed/backend-wasm';
import { type Tensor, attention, tensor } from '@heed/core';
import { type FloatTensor, LayerNorm, type StateDict, TransformerBlock } from '@heed/layers';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { Encoder, type HubFiles, type TextTokenizer, sentenceEmbeddings } from '../index.ts';
import { HubWeights, fileOf } from '../test/hub-weights.ts';
import { encoderConfigOf } from './config.ts';

const backends = { ts: await ts.create(), 'wasm, projections too': await wasm.create() };
afterAll(async () => {
  for (const backend of Object.values(backends)) await backend.dispose();
});

const [WIDTH, HEADS, HIDDEN, LAYERS, WORDS, PLACES] = [12, 3, 20, 2, 11, 9];
const COMMON = {
  hidden_size: WIDTH,
  num_attention_heads: HEADS,
  num_hidden_layers: LAYERS,
  intermediate_size: HIDDEN,
  hidden_act: 'gelu',
  layer_norm_eps: 1e-5,
  vocab_size: WORDS,
  max_position_embeddings: PLACES,
};
const CONFIGS = {
  bert: { ...COMMON, model_type: 'bert', type_vocab_size: 2, pad_token_id: 0 },
  roberta: { ...COMMON, model_type: 'roberta', type_vocab_size: 1, pad_token_id: 1 },
};
type Kind = keyof typeof CONFIGS;

/** Random weights under the names of the hub. */
function weightsOf(kind: Kind): StateDict {
  const weights = new HubWeights(2);
  weights.add('embeddings.word_embeddings.weight', WORDS, WIDTH);
  weights.add('embeddings.position_embeddings.weight', PLACES, WIDTH);
  weights.add('embeddings.token_type_embeddings.weight', CONFIGS[kind].type_vocab_size, WIDTH);
  weights.both('embeddings.LayerNorm', WIDTH);
  for (let n = 0; n < LAYERS; n++) {
    const block = `encoder.layer.${n}`;
    for (const name of ['query', 'key', 'value']) {
      weights.both(`${block}.attention.self.${name}`, WIDTH, WIDTH);
    }
    weights.both(`${block}.attention.output.dense`, WIDTH, WIDTH);
    weights.both(`${block}.attention.output.LayerNorm`, WIDTH);
    weights.both(`${block}.intermediate.dense`, HIDDEN, WIDTH);
    weights.both(`${block}.output.dense`, WIDTH, HIDDEN);
    weights.both(`${block}.output.LayerNorm`, WIDTH);
  }
  return weights.dict;
}

async function filesOf(kind: Kind, dict = weightsOf(kind), prefix = ''): Promise<HubFiles> {
  return { config: CONFIGS[kind], weights: await fileOf(dict, prefix) };
}

/** The same model of whole blocks of `@heed/layers`, which are compared with those of transformers there. */
async function tokensOfLayers(
  kind: Kind,
  ids: readonly number[],
  types: readonly number[],
): Promise<FloatTensor> {
  const dict = weightsOf(kind);
  const rows = (name: string): ArrayLike<number> => dict[`embeddings.${name}_embeddings.weight`]!.data;
  const first = kind === 'roberta' ? 2 : 0;
  const data = Float32Array.from({ length: ids.length * WIDTH }, (_, n) => {
    const [i, e] = [Math.floor(n / WIDTH), n % WIDTH];
    return (
      rows('word')[ids[i]! * WIDTH + e]! +
      rows('position')[(first + i) * WIDTH + e]! +
      rows('token_type')[types[i]! * WIDTH + e]!
    );
  });
  const norm = new LayerNorm({ embedDim: WIDTH, epsilon: 1e-5 });
  norm.loadStateDict({
    weight: dict['embeddings.LayerNorm.weight']!,
    bias: dict['embeddings.LayerNorm.bias']!,
  });
  let stream = norm.forward(tensor(data, [1, ids.length, WIDTH]));
  for (let n = 0; n < LAYERS; n++) {
    const block = new TransformerBlock({
      embedDim: WIDTH,
      heads: HEADS,
      hiddenDim: HIDDEN,
      epsilon: 1e-5,
      normFirst: false,
    });
    block.loadStateDict(dict, { prefix: `encoder.layer.${n}.` });
    stream = (await block.forward(backends.ts, { input: stream })).output;
  }
  return stream;
}

function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return Array.from(a).reduce((worst, value, n) => Math.max(worst, Math.abs(value - b[n]!)), 0);
}

describe.each(Object.entries(backends))('%s', (_, backend) => {
  test.each(['bert', 'roberta'] as const)(
    '%s: tokens are those of the same model made of layers',
    async (kind) => {
      const encoder = await Encoder.load(backend, await filesOf(kind, weightsOf(kind), `${kind}.`));
      const [ids, types] = [[3, 1, 4, 1, 5], kind === 'bert' ? [0, 0, 1, 1, 1] : [0, 0, 0, 0, 0]];
      const { tokens } = await encoder.run([ids], { types: [types] });
      expect(distance(tokens.data, (await tokensOfLayers(kind, ids, types)).data)).toBeLessThan(1e-5);
    },
  );

  test('padding changes no token of a text', async () => {
    const encoder = await Encoder.load(backend, await filesOf('bert'));
    const [long, short] = [
      [3, 1, 4, 1, 5],
      [9, 2],
    ];
    const { tokens } = await encoder.run([long, [...short, 7, 7, 7]], { counts: [5, 2] });
    const one = await encoder.run([long]);
    const other = await encoder.run([short]);
    expect(distance(tokens.data.subarray(0, 5 * WIDTH), one.tokens.data)).toBeLessThan(1e-6);
    expect(distance(tokens.data.subarray(5 * WIDTH, 7 * WIDTH), other.tokens.data)).toBeLessThan(1e-6);
  });

  test('captured queries, keys and values are those that the captured outputs and weights come from', async () => {
    const encoder = await Encoder.load(backend, await filesOf('bert'));
    const whats = ['query', 'key', 'value', 'output', 'weights'] as const;
    const capture = whats.map((what) => ({ layer: 1, what }));
    const { captured } = await encoder.run([[3, 1, 4, 1]], { capture });
    const [query, key, value, output, weights] = captured as [
      Tensor<'float32'>,
      Tensor<'float32'>,
      Tensor<'float32'>,
      Tensor<'float32'>,
      Tensor<'float32'>,
    ];
    const expected = await attention(backends.ts, { query, key, value, weights: true });
    expect(distance(output.data, expected.output.data)).toBeLessThan(1e-6);
    expect(distance(weights.data, expected.weights.data)).toBeLessThan(1e-6);
  });

  test('embeddings of sentences are means of length 1, whatever stands beside them', async () => {
    const encoder = await Encoder.load(backend, await filesOf('bert'));
    const tokenizer = {
      encode: (text: string) => [1, ...[...text].map((letter) => letter.charCodeAt(0) % WORDS), 2],
    } as unknown as TextTokenizer;
    const texts = ['abc', 'z', 'much longer than the model takes'];
    const all = await sentenceEmbeddings(encoder, tokenizer, texts);
    expect(all.shape).toEqual([3, WIDTH]);
    for (const [n, text] of texts.entries()) {
      const own = all.data.subarray(n * WIDTH, (n + 1) * WIDTH);
      expect(Math.hypot(...own)).toBeCloseTo(1, 6);
      expect(distance(own, (await sentenceEmbeddings(encoder, tokenizer, [text])).data)).toBeLessThan(1e-6);
    }
    const ids = [1, 97 % WORDS, 98 % WORDS, 99 % WORDS, 2];
    const { tokens } = await encoder.run([ids]);
    const sums = Array.from({ length: WIDTH }, (__, e) =>
      ids.reduce((sum, ___, i) => sum + tokens.data[i * WIDTH + e], 0),
    );
    const norm = Math.hypot(...sums);
    expect(
      distance(
        all.data.subarray(0, WIDTH),
        sums.map((sum) => sum / norm),
      ),
    ).toBeLessThan(1e-6);
  });
});

test('mistakes are named', async () => {
  const encoder = await Encoder.load(backends.ts, await filesOf('bert'));
  const cases: readonly [string, () => Promise<unknown>][] = [
    ['ids are of unequal lengths', () => encoder.run([[1, 2], [1]])],
    ['ids have 11; expected 0…10', () => encoder.run([[11]])],
    ['the text has 10 tokens; expected at most 9', () => encoder.run([Array<number>(10).fill(1)])],
    ['types are [1, 1]', () => encoder.run([[1, 2]], { types: [[0]] })],
    ['counts are [3]', () => encoder.run([[1, 2]], { counts: [3] })],
    ['ids are [2]', () => encoder.run([1, 2])],
    [
      'texts are []',
      () => sentenceEmbeddings(encoder, { encode: () => [1] } as unknown as TextTokenizer, []),
    ],
    ['expected a TextTokenizer', () => sentenceEmbeddings(encoder, ['a'] as never, [])],
  ];
  for (const [words, work] of cases) await expect(work(), words).rejects.toThrow(words);
});

test('a head behind the encoder is left out; other tensors are refused', async () => {
  const small = tensor(new Float32Array(1), [1]);
  const behind = {
    'pooler.dense.bias': small,
    'cls.predictions.bias': small,
    'embeddings.position_ids': tensor(Int32Array.of(0), [1, 1]),
  };
  const encoder = await Encoder.load(backends.ts, await filesOf('bert', { ...weightsOf('bert'), ...behind }));
  expect(encoder.config.positions).toBe(PLACES);
  for (const name of ['embeddings.extra', 'encoder.layer.2.output.dense.bias', 'encoder.extra']) {
    const files = await filesOf('bert', { ...weightsOf('bert'), [name]: small });
    await expect(Encoder.load(backends.ts, files), name).rejects.toMatchObject({ code: 'UNEXPECTED_INPUT' });
  }
  // RoBERTa's first positions are not those of tokens.
  expect(encoderConfigOf(CONFIGS.roberta)).toMatchObject({ positions: PLACES - 2, firstPosition: 2 });
});

test('a hidden width that is wrong by orders of magnitude takes no memory', async () => {
  const { config, weights } = await filesOf('bert');
  await expect(
    Encoder.load(backends.ts, { config: { ...config, intermediate_size: 2 ** 40 }, weights }),
  ).rejects.toMatchObject({ code: 'SHAPE', clause: 'models.weights' });
});

test.each<[string, object]>([
  ['model_type', { ...CONFIGS.bert, model_type: 'electra' }],
  ['model_type', { ...CONFIGS.bert, model_type: undefined }],
  ['is_decoder', { ...CONFIGS.bert, is_decoder: true }],
  ['position_embedding_type', { ...CONFIGS.bert, position_embedding_type: 'relative_key' }],
  ['hidden_act', { ...CONFIGS.bert, hidden_act: 'quick_gelu' }],
  ['num_attention_heads', { ...CONFIGS.bert, num_attention_heads: 5 }],
  ['embedding_size', { ...CONFIGS.bert, embedding_size: 4 }],
  ['rotary_value', { ...CONFIGS.bert, rotary_value: true }],
  ['pad_token_id', { ...CONFIGS.roberta, pad_token_id: -1 }],
  ['max_position_embeddings', { ...CONFIGS.roberta, max_position_embeddings: 2 }],
])('a configuration that would be computed wrongly is refused: %s', (words, config) => {
  expect(() => encoderConfigOf(config)).toThrow(words);
});

test('the stream leaves the engine once, or for each layer that is looked into; the numbers are the same', async () => {
  const backend = backends['wasm, projections too'];
  const one = await backend.upload(tensor(new Float32Array(1), [1]));
  const read = vi.spyOn(Object.getPrototypeOf(one) as typeof one, 'read');
  one.dispose();
  try {
    const encoder = await Encoder.load(backend, await filesOf('bert'));
    const ids = [[1, 2, 3, 4]];
    const counts = [4];
    const { tokens } = await encoder.run(ids, { counts });
    expect(read).toHaveBeenCalledTimes(1);
    const looked = await encoder.run(ids, { counts, capture: [{ layer: 0, what: 'residual' }] });
    for (const [n, value] of tokens.data.entries()) expect(looked.tokens.data[n]).toBeCloseTo(value, 5);
  } finally {
    read.mockRestore();
  }
});

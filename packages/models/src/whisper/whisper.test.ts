import ts from '@heed/backend-ts';
import wasm from '@heed/backend-wasm';
import { type Tensor, tensor } from '@heed/core';
import { type FloatTensor, LayerNorm, Linear, TransformerBlock, activate, seededRandom } from '@heed/layers';
import { afterAll, describe, expect, test } from 'vitest';
import { logMel } from '../audio/log-mel.ts';
import { type Sound, type TextTokenizer, Whisper } from '../index.ts';
import { whisperConfigOf } from './config.ts';
import { applyRules } from './rules.ts';
import { CONFIG, GENERATION, TINY, tinyFiles, weightsOf } from '../test/tiny-whisper.ts';

const backends = { ts: await ts.create(), 'wasm, projections too': await wasm.create() };
afterAll(async () => {
  for (const backend of Object.values(backends)) await backend.dispose();
});
const random = seededRandom(9);
/** 0.35 s of noise. */
const sound: Sound = {
  samples: Float32Array.from({ length: 5600 }, () => random() - 0.5),
  sampleRate: 16_000,
};
const ids = [13, 16, 2, 5, 2, 20];
/** Letters of the words, and what marks none. */
const tokenizer = {
  decode: (given: readonly number[]) => given.map((id) => (id < 12 ? ` ${'abcdefghijkl'[id]}` : '')).join(''),
} as unknown as TextTokenizer;

function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return Array.from(a).reduce((worst, value, n) => Math.max(worst, Math.abs(value - b[n]!)), 0);
}

/** A convolution by its definition, `[L, in]` → `[L / stride, out]`, with GELU. */
function convolved(input: FloatTensor, weight: Tensor, bias: Tensor, stride: number): FloatTensor {
  const [length, inputs] = input.shape as [number, number];
  const [outputs] = weight.shape as [number];
  const rows = Math.ceil(length / stride);
  const data = Float32Array.from({ length: rows * outputs }, (_, n) => {
    const [row, o] = [Math.floor(n / outputs), n % outputs];
    let sum = bias.data[o]!;
    for (let tap = 0; tap < 3; tap++) {
      const at = row * stride + tap - 1;
      if (at < 0 || at >= length) continue;
      for (let i = 0; i < inputs; i++) {
        sum += weight.data[(o * inputs + i) * 3 + tap]! * input.data[at * inputs + i]!;
      }
    }
    return sum;
  });
  return activate('gelu', tensor(data, [rows, outputs]));
}

/** The same model of whole blocks of `@heed/layers`, which are compared with those of transformers there. */
async function logitsOfLayers(): Promise<ArrayLike<number>> {
  const dict = weightsOf();
  const at = (name: string): Tensor => dict[`model.${name}`]!;
  const mel = await logMel(sound.samples, TINY.bins);
  const frames = new Float32Array(2 * TINY.positions * TINY.bins).fill(mel.floor);
  frames.set(mel.data);
  let stream: FloatTensor = tensor(frames, [2 * TINY.positions, TINY.bins]);
  stream = convolved(stream, at('encoder.conv1.weight'), at('encoder.conv1.bias'), 1);
  stream = convolved(stream, at('encoder.conv2.weight'), at('encoder.conv2.bias'), 2);
  const places = at('encoder.embed_positions.weight').data;
  stream = tensor(
    Float32Array.from(stream.data, (value, n) => value + places[n]!),
    [1, TINY.positions, TINY.width],
  );
  const normOf = (name: string): LayerNorm => {
    const norm = new LayerNorm({ embedDim: TINY.width, epsilon: 1e-5 });
    norm.loadStateDict({ weight: at(`${name}.weight`), bias: at(`${name}.bias`) });
    return norm;
  };
  const block = (name: string, cross: boolean): TransformerBlock => {
    const made = new TransformerBlock({
      embedDim: TINY.width,
      heads: TINY.heads,
      hiddenDim: TINY.hidden,
      epsilon: 1e-5,
      cross,
    });
    made.loadStateDict(dict, { prefix: `model.${name}.` });
    return made;
  };
  for (let n = 0; n < TINY.layers; n++) {
    stream = (await block(`encoder.layers.${n}`, false).forward(backends.ts, { input: stream })).output;
  }
  const memory = normOf('encoder.layer_norm').forward(stream);
  const words = at('decoder.embed_tokens.weight');
  const positions = at('decoder.embed_positions.weight').data;
  const { width } = TINY;
  stream = tensor(
    Float32Array.from(
      { length: ids.length * width },
      (_, n) => words.data[ids[Math.floor(n / width)]! * width + (n % width)]! + positions[n]!,
    ),
    [1, ids.length, width],
  );
  for (let n = 0; n < TINY.layers; n++) {
    const layer = block(`decoder.layers.${n}`, true);
    stream = (await layer.forward(backends.ts, { input: stream, memory, causal: true })).output;
  }
  const scores = new Linear({ inputDim: width, outputDim: TINY.vocabulary, bias: false });
  scores.loadStateDict({ weight: words });
  return scores.forward(normOf('decoder.layer_norm').forward(stream)).data;
}

describe.each(Object.entries(backends))('%s', (_, backend) => {
  test('scores are those of the same model made of layers', async () => {
    const model = await Whisper.load(backend, await tinyFiles());
    const { logits } = await model.run(sound, ids);
    expect(logits.shape).toEqual([1, ids.length, TINY.vocabulary]);
    expect(distance(logits.data, await logitsOfLayers())).toBeLessThan(2e-5);
  });

  test('weights of both sides, of the heads that are asked for', async () => {
    const model = await Whisper.load(backend, await tinyFiles());
    const { captured, encoderCaptured } = await model.run(sound, ids, {
      capture: [
        { layer: 1, what: 'weights' },
        { layer: 0, what: 'crossWeights', heads: [2, 0] },
        { layer: 0, what: 'crossWeights' },
      ],
      encoderCapture: [
        { layer: 1, what: 'weights', heads: [1] },
        { layer: 1, what: 'weights' },
        { layer: 0, what: 'residual' },
      ],
    });
    const { length } = ids;
    expect(captured.map(({ shape }) => shape.join())).toEqual([
      `1,3,${length},${length}`,
      `1,2,${length},20`,
      `1,3,${length},20`,
    ]);
    expect(encoderCaptured.map(({ shape }) => shape.join())).toEqual(['1,1,20,20', '1,3,20,20', '1,20,12']);
    for (const weights of [captured[0]!, captured[2]!, encoderCaptured[1]!]) {
      const keys = weights.shape[3]!;
      for (let row = 0; row < weights.data.length / keys; row++) {
        const sum = weights.data.subarray(row * keys, (row + 1) * keys).reduce((a, b) => a + b);
        expect(sum).toBeCloseTo(1, 5);
      }
    }
    // No token looks at a later one.
    expect(captured[0]!.data[1]).toBe(0);
    const size = length * 20;
    expect(captured[1]!.data.slice(size)).toEqual(captured[2]!.data.slice(0, size));
    expect(captured[1]!.data.slice(0, size)).toEqual(captured[2]!.data.slice(2 * size));
    expect(encoderCaptured[0]!.data).toEqual(encoderCaptured[1]!.data.slice(400, 800));
  });

  test('a part of the encoder replaced by what was captured changes nothing; a head off does', async () => {
    const model = await Whisper.load(backend, await tinyFiles());
    const heads = [0, 2];
    const capture = [
      { layer: 0, what: 'weights', heads },
      { layer: 0, what: 'output', heads },
      { layer: 1, what: 'feedForward' },
    ] as const;
    const { logits, encoderCaptured: values } = await model.run(sound, ids, { encoderCapture: capture });
    for (const [n, place] of capture.entries()) {
      const patched = await model.run(sound, ids, { encoderChange: [{ ...place, value: values[n]! }] });
      expect(distance(patched.logits.data, logits.data), place.what).toBeLessThan(2e-5);
    }
    const off = await model.run(sound, ids, {
      encoderChange: [{ layer: 0, heads, what: 'off' }],
      encoderCapture: [{ layer: 0, what: 'output', heads }],
    });
    expect(distance(off.logits.data, logits.data)).toBeGreaterThan(1e-3);
    expect(off.encoderCaptured[0]!.data.every((value) => value === 0)).toBe(true);
  });

  test('a transcript: its tokens are those of whole runs, word by word; words have times', async () => {
    const model = await Whisper.load(backend, await tinyFiles());
    const long = { ...sound, samples: new Float32Array(3 * 5600) };
    for (let n = 0; n < 3; n++) long.samples.set(sound.samples, n * 5600);
    const options = { words: true, noSpeechThreshold: 1 } as const;
    const { text, segments } = await model.transcribe(long, tokenizer, options);
    expect(segments.length).toBeGreaterThan(0);
    expect(text).toBe(
      segments
        .map((segment) => segment.text)
        .join('')
        .trim(),
    );
    for (const { words, ids: itsIds, text: itsText } of segments) {
      expect(itsIds.every((id) => id < 12 && id !== 3)).toBe(true);
      expect(words.map((word) => word.text).join('')).toBe(itsText);
      for (const { start, end, probability } of words) {
        expect(end).toBeGreaterThanOrEqual(start);
        expect(probability).toBeGreaterThan(0);
      }
    }
    // The first window again, each token from a run of all before it, without caches.
    const produced: number[] = [];
    for (let step = 0; step < TINY.texts / 2; step++) {
      const { logits } = await model.run(long, [13, ...produced]);
      const scores = logits.data.slice(-TINY.vocabulary);
      applyRules(scores, produced, model.config);
      const best = scores.indexOf(Math.max(...scores));
      if (best === 12) break;
      produced.push(best);
    }
    const first = produced.filter((id) => id < 12);
    const all = segments.flatMap((segment) => segment.ids);
    expect(all.slice(0, segments[0]!.ids.length)).toEqual(first.slice(0, segments[0]!.ids.length));
  });
});

test('an abort ends it, silence is skipped, and nothing is said in no sound', async () => {
  const model = await Whisper.load(backends.ts, await tinyFiles());
  const reason = new Error('enough');
  await expect(model.transcribe(sound, tokenizer, { signal: AbortSignal.abort(reason) })).rejects.toBe(
    reason,
  );
  const skipped = { noSpeechThreshold: 0, logProbabilityThreshold: 0 };
  expect(await model.transcribe(sound, tokenizer, skipped)).toEqual({ text: '', segments: [] });
  const nothing = { samples: new Float32Array(0), sampleRate: 8000 };
  expect((await model.transcribe(nothing, tokenizer)).text).toBe('');
});

test('silence after what is said is skipped, too', async () => {
  const model = await Whisper.load(backends.ts, await tinyFiles());
  const samples = new Float32Array(5 * sound.samples.length);
  samples.set(sound.samples);
  const { segments } = await model.transcribe({ ...sound, samples }, tokenizer);
  const seconds = sound.samples.length / sound.sampleRate;
  expect(segments.length).toBeGreaterThan(0);
  // A window lasts 0.4 s.
  expect(segments.filter(({ start }) => start > seconds + 0.4)).toEqual([]);
});

test('mistakes are named', async () => {
  const model = await Whisper.load(backends.ts, await tinyFiles());
  const fail = (code: string, words: string): unknown =>
    expect.objectContaining({ code, message: expect.stringContaining(words) as string });
  await expect(model.transcribe(sound, tokenizer, { language: 'de' })).rejects.toEqual(
    fail('ARGUMENT', 'English alone'),
  );
  await expect(model.transcribe(sound, { words: true } as never)).rejects.toThrow(
    'transcribe(): the tokenizer is an object; expected a TextTokenizer',
  );
  await expect(model.transcribe(sound, tokenizer, { word: true } as object)).rejects.toEqual(
    fail('UNKNOWN_OPTION', 'word'),
  );
  await expect(model.transcribe(new Float32Array(4) as never, tokenizer)).rejects.toEqual(
    fail('ARGUMENT', 'samples'),
  );
  await expect(model.run(sound, [99])).rejects.toEqual(fail('ARGUMENT', 'the id 99'));
  await expect(model.run(sound, Array<number>(17).fill(1))).rejects.toEqual(fail('ARGUMENT', '17 tokens'));
  await expect(model.run(sound, ids, { capture: [{ layer: 2, what: 'crossWeights' }] })).rejects.toEqual(
    fail('ARGUMENT', 'layer'),
  );
});

describe('weights that do not fit the configuration are refused', () => {
  const named = (name: string): string => `model.${name}`;
  test.each<[string, string, (dict: Record<string, Tensor>) => void]>([
    [
      'UNEXPECTED_INPUT',
      'extra',
      (dict) => (dict[named('encoder.extra')] = tensor(new Float32Array(1), [1])),
    ],
    ['MISSING_INPUT', 'conv1.bias', (dict) => delete dict[named('encoder.conv1.bias')]],
    ['MISSING_INPUT', 'fc1.weight', (dict) => delete dict[named('decoder.layers.1.fc1.weight')]],
    [
      'SHAPE',
      'embed_positions',
      (dict) => (dict[named('decoder.embed_positions.weight')] = tensor(new Float32Array(12), [1, 12])),
    ],
  ])('%s %s', async (code, words, change) => {
    const dict = { ...weightsOf() };
    change(dict);
    await expect(tinyFiles(dict).then((files) => Whisper.load(backends.ts, files))).rejects.toMatchObject({
      code,
      message: expect.stringContaining(words) as string,
    });
  });
});

describe('configurations', () => {
  test('many languages, and heads of the upper half where none are named', () => {
    const { tokens, alignmentHeads } = whisperConfigOf(CONFIG, {
      ...GENERATION,
      alignment_heads: null,
      is_multilingual: true,
      lang_to_id: { '<|en|>': 9, '<|de|>': 10 },
      task_to_id: { transcribe: 11, translate: 8 },
    });
    expect(tokens).toMatchObject({ languages: { en: 9, de: 10 }, tasks: { transcribe: 11 } });
    expect(alignmentHeads).toEqual([
      [1, 0],
      [1, 1],
      [1, 2],
    ]);
  });

  test('a language is required where there are many, and begins the text', async () => {
    const generation = {
      ...GENERATION,
      is_multilingual: true,
      lang_to_id: { '<|en|>': 9, '<|de|>': 10 },
      task_to_id: { transcribe: 11, translate: 8 },
    };
    const model = await Whisper.load(backends.ts, { ...(await tinyFiles()), generation });
    await expect(model.transcribe(sound, tokenizer)).rejects.toThrow('expected one of en, de');
    const options = { noSpeechThreshold: 1, task: 'translate' } as const;
    const [first] = (await model.transcribe(sound, tokenizer, { ...options, language: 'de' })).segments;
    const { logits } = await model.run(sound, [13, 10, 8, 16]);
    expect(first === undefined || first.ids.length > 0).toBe(true);
    expect(logits.shape[1]).toBe(4);
  });

  test.each<[string, object, object]>([
    ['model_type', { ...CONFIG, model_type: undefined }, GENERATION],
    ['scale_embedding', { ...CONFIG, scale_embedding: true }, GENERATION],
    ['activation_function', { ...CONFIG, activation_function: 'silu' }, GENERATION],
    ['tie_word_embeddings', { ...CONFIG, tie_word_embeddings: false }, GENERATION],
    ['median_filter_width', { ...CONFIG, median_filter_width: 5 }, GENERATION],
    ['attention heads', { ...CONFIG, encoder_attention_heads: 5 }, GENERATION],
    ['window_attention', { ...CONFIG, window_attention: 5 }, GENERATION],
    ['decoder_layers', { ...CONFIG, decoder_layers: 2 ** 40 }, { ...GENERATION, alignment_heads: null }],
    ['alignment_heads', CONFIG, { ...GENERATION, alignment_heads: [[2, 0]] }],
    ['suppress_tokens', CONFIG, { ...GENERATION, suppress_tokens: [-1] }],
    ['eos_token_id', CONFIG, { ...GENERATION, eos_token_id: undefined }],
    ['lang_to_id', CONFIG, { ...GENERATION, is_multilingual: true }],
    ['beam_width', CONFIG, { ...GENERATION, beam_width: 5 }],
  ])('%s is refused', (words, config, generation) => {
    expect(() => whisperConfigOf(config, generation)).toThrow(words);
  });
});

describe('rules of timestamps', () => {
  const config = whisperConfigOf(CONFIG, GENERATION);
  /** Ids that may follow, where no timestamp is likely. */
  const allowed = (produced: readonly number[], likely: number | null = null): number[] => {
    const scores = new Float32Array(TINY.vocabulary).fill(0);
    scores.fill(-20, 16);
    if (likely !== null) scores[likely] = 20;
    applyRules(scores, produced, config);
    return [...scores.keys()].filter((id) => scores[id]! > -Infinity);
  };
  const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, n) => from + n);
  const words = range(0, 12).filter((id) => id !== 3);

  test('a text begins with a timestamp up to the limit', () => {
    expect(allowed([])).toEqual(range(16, 22));
  });
  test('behind the beginning of a segment there is text', () => {
    expect(allowed([16])).toEqual([...words, 12]);
  });
  test('behind text there is text, the end, or a later time', () => {
    expect(allowed([18, 1])).toEqual([...words, 12, ...range(19, 36)]);
  });
  test('behind the end of a segment there is the next beginning, which may be the same, or the end', () => {
    expect(allowed([16, 1, 20])).toEqual([12, ...range(20, 36)]);
    expect(allowed([16, 1, 20, 20])).toEqual([...words, 12]);
  });
  test('where times are likelier than any word, only they may follow', () => {
    expect(allowed([18, 1], 30)).toEqual(range(19, 36));
    expect(allowed([18, 1], 17)).toEqual([...words, 12, ...range(19, 36)]);
  });
});

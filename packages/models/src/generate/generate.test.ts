import ts from '@heed/backend-ts';
import { seededRandom } from '@heed/layers';
import { describe, expect, test } from 'vitest';
import { TINY, hubFiles } from '../test/tiny-decoder.ts';
import { metadata, tokenizer } from '../test/tiny-tokenizer.ts';
import { logProbabilitiesOf } from '../decoder/log-probabilities.ts';
import {
  Decoder,
  Encoder,
  type GenerateOptions,
  type GeneratedToken,
  SaliencyHead,
  VisionTransformer,
  Whisper,
  beamSearch,
  generate,
  ggufTokenizer,
  hubTokenizer,
  readWav,
} from '../index.ts';
import { choose, likeliest, penalize } from './choose.ts';
import { TextStream } from './text-stream.ts';

const model = await Decoder.load(await ts.create(), await hubFiles('qwen2'));
async function all(options: GenerateOptions, prompt: string | number[] = 'abba'): Promise<GeneratedToken[]> {
  const result: GeneratedToken[] = [];
  for await (const token of generate(model, tokenizer, prompt, options)) result.push(token);
  return result;
}

const idsOf = (steps: readonly GeneratedToken[]): number[] => steps.map(({ id }) => id);

test('the tokenizer inside a file', () => {
  expect(tokenizer.encode('abba é🙂<end>')).toEqual([14, 1, 0, 15, 5, 6, 7, 8, 9, 10, 16]);
  expect(tokenizer.decode([14, 1, 0, 15, 5, 6, 7, 8, 9, 10, 16])).toBe('abba é🙂');
  expect(tokenizer.decode([0, 16], { special: true })).toBe('a<end>');
  expect(tokenizer.token(14)).toBe('ab');
  expect(tokenizer.encode('')).toEqual([]);
  for (const change of [{ 'tokenizer.ggml.pre': 'qwen2' }, { 'tokenizer.ggml.model': 'llama' }]) {
    expect(() => ggufTokenizer({ metadata: { ...metadata, ...change } })).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED' }) as Error,
    );
  }
});

test.each([1, 2, 7, 256, 257, 1000])('the %i likeliest ids, the lower one first among equals', (count) => {
  const random = seededRandom(count);
  // Few values, so that many are equal.
  const scores = Float32Array.from({ length: 1000 }, () => Math.floor(40 * random()) - 20);
  scores[3] = -Infinity;
  const sorted = Array.from(scores, (_, id) => id).sort((a, b) => scores[b]! - scores[a]! || a - b);
  expect([...likeliest(scores, count)]).toEqual(sorted.slice(0, count));
});

test('of many tokens alike, the nucleus is as large as its probability says', () => {
  const scores = new Float32Array(1000);
  const last = choose(scores, { temperature: 1, topK: Infinity, topP: 0.5 }, () => 1 - 2 ** -40);
  expect(Math.abs(last - 499)).toBeLessThanOrEqual(1);
});

test('a temperature near 0 takes the likeliest, one without bounds any', () => {
  const scores = Float32Array.of(-30, 20, 19, -Infinity);
  for (const topK of [Infinity, 2]) {
    const drawn = (temperature: number, random: number): number =>
      choose(scores, { temperature, topK, topP: 1 }, () => random);
    expect(drawn(1e-40, 0.99)).toBe(1);
    expect(drawn(Number.MIN_VALUE, 0.99)).toBe(1);
    expect(drawn(Number.MAX_VALUE, 0.99)).toBe(2);
  }
});

test('greedy is the likeliest token of each step, with its log-probability', async () => {
  const steps = await all({
    maximum: 6,
    ignoreEnd: true,
    alternatives: 3,
    capture: [{ layer: 0, what: 'weights' }],
  });
  const ids = tokenizer.encode('abba');
  for (const { id, logProbability, alternatives, captured } of steps) {
    const expected = logProbabilitiesOf((await model.run([ids])).logits.data);
    const best = expected.indexOf(Math.max(...expected));
    expect(id).toBe(best);
    expect(logProbability).toBeCloseTo(expected[best]!, 5);
    expect(alternatives.map((one) => one.id)[0]).toBe(best);
    expect(alternatives.map((one) => one.logProbability)).toEqual(
      alternatives.map((one) => one.logProbability).sort((a, b) => b - a),
    );
    expect(captured[0]!.shape[3]).toBe(ids.length);
    ids.push(id);
  }
  expect(steps.map(({ finish }) => finish)).toEqual([...Array<null>(5).fill(null), 'maximum']);
  expect(steps.map(({ text }) => text).join('')).toBe(tokenizer.decode(idsOf(steps)));
});

test('a seed gives the same text, another seed another; a prefix is used again', async () => {
  const options = { maximum: 12, temperature: 1.5, ignoreEnd: true } as const;
  const [first, same, other] = [
    await all({ ...options, seed: 1 }),
    await all({ ...options, seed: 1 }),
    await all({ ...options, seed: 2 }),
  ];
  expect(idsOf(first)).toEqual(idsOf(same));
  expect(idsOf(first)).not.toEqual(idsOf(other));
  const cache = await model.cache();
  await model.run([[14, 1]], { cache, logits: 'none' });
  const rest = await all({ ...options, seed: 1, cache }, [0]);
  expect(idsOf(rest)).toEqual(idsOf(first));
  cache.truncate(2);
  expect(idsOf(await all({ ...options, seed: 2, cache }, [0]))).toEqual(idsOf(other));
  cache.dispose();
});

test('the end, a stop string, an abort and leaving the loop', async () => {
  // The first seed whose text the model ends, not too early.
  let [seed, free, at] = [0, [] as GeneratedToken[], -1];
  const options = { temperature: 3, maximum: 18 } as const;
  for (; at < 4; seed++) {
    free = await all({ ...options, seed, ignoreEnd: true });
    at = idsOf(free).indexOf(16);
  }
  const sampled = { ...options, seed: seed - 1 };
  const ended = await all(sampled);
  expect(idsOf(ended)).toEqual(idsOf(free).slice(0, at + 1));
  expect(ended.at(-1)).toMatchObject({ finish: 'end' });
  const text = ended.map((step) => step.text).join('');
  const stop = text.slice(1, 3);
  const stopped = await all({ ...sampled, stop: [stop] });
  expect(stopped.at(-1)!.finish).toBe('stop');
  expect(stopped.map((step) => step.text).join('')).toBe(text.slice(0, text.indexOf(stop)));
  const control = new AbortController();
  const reason = new Error('enough');
  const seen: number[] = [];
  const aborted = async (): Promise<void> => {
    for await (const { id } of generate(model, tokenizer, 'abba', { ...sampled, signal: control.signal })) {
      seen.push(id);
      if (seen.length === 2) control.abort(reason);
    }
  };
  await expect(aborted()).rejects.toBe(reason);
  expect(seen.length).toBe(2);
  for await (const { id } of generate(model, tokenizer, 'abba', sampled)) {
    seen.push(id);
    break;
  }
  expect(seen.length).toBe(3);
});

test('heads that are off, and a penalty, change what is generated', async () => {
  const plain = await all({ maximum: 8, ignoreEnd: true });
  const off = await all({ maximum: 8, ignoreEnd: true, off: [{ layer: 0, heads: [0, 1, 2, 3] }] });
  expect(off.map((step) => step.logProbability)).not.toEqual(plain.map((step) => step.logProbability));
  const penalized = await all({ maximum: 13, ignoreEnd: true, repetitionPenalty: 1e6 }, 'a');
  const repeated = await all({ maximum: 13, ignoreEnd: true }, 'a');
  expect(new Set(idsOf(penalized)).size).toBeGreaterThan(new Set(idsOf(repeated)).size);
});

test('what does not go together is refused', async () => {
  const refused: [string, GenerateOptions][] = [
    ['ARGUMENT', { temperature: 1 }],
    ['ARGUMENT', { topK: 3 }],
    ['ARGUMENT', { topP: 0.5 }],
    ['ARGUMENT', { temperature: 1, seed: 1, topP: 0 }],
    ['ARGUMENT', { stop: [''] }],
    ['ARGUMENT', { maximum: 25 }],
    ['UNKNOWN_OPTION', { top_k: 3 } as never],
  ];
  for (const [code, options] of refused) await expect(all(options)).rejects.toMatchObject({ code });
  await expect(all({}, '')).rejects.toMatchObject({ code: 'ARGUMENT' });
});

describe('choosing', () => {
  const scores = Float32Array.of(1, 3, 2, 3, -1);
  const shares = (options: { temperature?: number; topK?: number; topP?: number }): number[] => {
    const random = seededRandom(7);
    const counts = Array<number>(5).fill(0);
    const given = { temperature: 1, topK: Infinity, topP: 1, ...options };
    for (let n = 0; n < 20_000; n++) counts[choose(scores, given, random)]!++;
    return counts.map((count) => count / 20_000);
  };
  const softmax = (values: readonly number[]): number[] => {
    const sum = values.reduce((total, value) => total + Math.exp(value), 0);
    return values.map((value) => Math.exp(value) / sum);
  };

  test.each<[string, object, readonly number[]]>([
    ['all', {}, softmax([1, 3, 2, 3, -1])],
    ['temperature', { temperature: 2 }, softmax([0.5, 1.5, 1, 1.5, -0.5])],
    ['topK', { topK: 3 }, softmax([-Infinity, 3, 2, 3, -Infinity])],
    ['topP', { topP: 0.5 }, softmax([-Infinity, 3, -Infinity, 3, -Infinity])],
    ['topK, then topP of what is left', { topK: 3, topP: 0.9 }, softmax([-Infinity, 3, 2, 3, -Infinity])],
    ['greedy, the lower id of equal ones', { temperature: 0 }, [0, 1, 0, 0, 0]],
  ])('%s: shares are the probabilities', (_, options, expected) => {
    // Four standard deviations of 20,000 draws.
    shares(options).forEach((value, id) => expect(Math.abs(value - expected[id]!)).toBeLessThan(0.015));
  });

  test('a penalty divides scores above 0 and multiplies those below', () => {
    const penalized = scores.slice();
    penalize(penalized, new Set([1, 4]), 2);
    expect(Array.from(penalized)).toEqual([1, 1.5, 2, 3, -2]);
  });
});

describe('text of tokens one by one', () => {
  const streamed = (text: string, stops: readonly string[] = []): readonly string[] => {
    const stream = new TextStream(tokenizer, stops);
    const parts: string[] = [];
    for (const id of tokenizer.encode(text)) {
      const step = stream.push(id);
      parts.push(step.text);
      if (step.isStopped) return parts;
    }
    return [...parts, stream.end()];
  };

  test('characters of several tokens come whole', () => {
    expect(streamed('cé🙂d')).toEqual(['c', '', 'é', '', '', '', '🙂', 'd', '']);
    expect(streamed('cé').join('')).toBe('cé');
  });

  test('what may begin a stop string is held back', () => {
    expect(streamed('cdef', ['df'])).toEqual(['c', '', 'de', 'f', '']);
    expect(streamed('cdefgh', ['fg', 'ef'])).toEqual(['c', 'd', '', '']);
    expect(streamed('ccd', ['cde'])).toEqual(['', 'c', '', 'cd']);
  });
});

describe('beams', () => {
  /** All texts of a length, the likeliest first, with the sums of their log-probabilities. */
  async function everyText(
    prompt: readonly number[],
    length: number,
  ): Promise<{ ids: number[]; sum: number }[]> {
    let texts: { ids: number[]; sum: number }[] = [{ ids: [], sum: 0 }];
    for (let n = 0; n < length; n++) {
      const longer: typeof texts = [];
      for (const { ids, sum } of texts) {
        if (ids.at(-1) === 16) longer.push({ ids, sum });
        else {
          const row = logProbabilitiesOf((await model.run([[...prompt, ...ids]])).logits.data);
          for (let id = 0; id < TINY.vocabulary; id++)
            longer.push({ ids: [...ids, id], sum: sum + row[id]! });
        }
      }
      texts = longer;
    }
    return texts.sort((a, b) => b.sum - a.sum);
  }

  test.each([0, 1])(
    'with enough of them the best text is found, length penalty %d',
    async (lengthPenalty) => {
      const prompt = [3, 1];
      const every = (await everyText(prompt, 2)).map(({ ids, sum }) => ({
        ids,
        score: sum / ids.length ** lengthPenalty,
      }));
      every.sort((a, b) => b.score - a.score);
      const found = await beamSearch(model, prompt, { beams: 8, maximum: 2, endIds: [16], lengthPenalty });
      expect(found[0]!.ids).toEqual(every[0]!.ids);
      expect(found[0]!.score).toBeCloseTo(every[0]!.score, 5);
      expect(found.length).toBe(8);
    },
  );

  test('one beam is greedy; more beams find likelier texts', async () => {
    const greedy = await all({ maximum: 6, ignoreEnd: true }, [3, 1]);
    const [one] = await beamSearch(model, [3, 1], { beams: 1, maximum: 6 });
    expect(one!.ids).toEqual(idsOf(greedy));
    const [best] = await beamSearch(model, [3, 1], { beams: 6, maximum: 6 });
    expect(best!.logProbability).toBeGreaterThanOrEqual(one!.logProbability - 1e-6);
    const likelihoods = await model.likelihoods([3, 1, ...best!.ids]);
    expect(likelihoods.slice(1).reduce((sum, value) => sum + value, 0)).toBeCloseTo(best!.logProbability, 4);
  });

  test('options that are not possible are refused', async () => {
    await expect(beamSearch(model, [1], { beams: 9, maximum: 2 })).rejects.toMatchObject({
      code: 'ARGUMENT',
    });
    await expect(beamSearch(model, [], { beams: 2, maximum: 2 })).rejects.toMatchObject({ code: 'ARGUMENT' });
    await expect(beamSearch(model, [1], { beams: 2, maximum: 25 })).rejects.toMatchObject({
      code: 'ARGUMENT',
    });
  });
});

describe('what is not a model, tokenizer, file or conversation is refused with a remedy', () => {
  const values = { undefined, null: null, text: 'model', number: 3, array: [1.5], object: {} };
  const promise = { 'a promise': Promise.resolve(model) };
  const coded = expect.objectContaining({
    code: expect.stringMatching(/^(ARGUMENT|MISSING_INPUT|UNKNOWN_OPTION|UNSUPPORTED)$/) as string,
    remedy: expect.any(String) as string,
  }) as Error;
  const first = (steps: AsyncIterable<unknown>) => steps[Symbol.asyncIterator]().next();

  test.each(Object.entries({ ...values, ...promise }))('%s', async (_, value) => {
    const backend = await ts.create();
    const { config } = await hubFiles('llama');
    for (const family of [Decoder, Encoder, VisionTransformer, Whisper]) {
      await expect(family.load(backend, value as never)).rejects.toThrow(coded);
    }
    await expect(Decoder.load(backend, { config, weights: value as never })).rejects.toThrow(coded);
    await expect(SaliencyHead.load(value as never)).rejects.toThrow(coded);
    await expect(first(generate(value as never, tokenizer, 'a'))).rejects.toThrow(coded);
    await expect(first(generate(model, value as never, 'a'))).rejects.toThrow(coded);
    await expect(beamSearch(value as never, [1], { beams: 1, maximum: 1 })).rejects.toThrow(coded);
    expect(() => ggufTokenizer(value as never)).toThrow(coded);
    expect(() => hubTokenizer(value as never, {})).toThrow(coded);
    expect(() => readWav(value as never)).toThrow(coded);
    await backend.dispose();
  });

  test.each(Object.entries({ ...values, text: 3 }))('as ids: %s', async (_, value) => {
    await expect(first(generate(model, tokenizer, value as never))).rejects.toThrow(coded);
    await expect(beamSearch(model, value as never, { beams: 1, maximum: 1 })).rejects.toThrow(coded);
    expect(() => tokenizer.decode(value as never)).toThrow(coded);
  });

  test.each<[string, unknown]>([
    ['undefined', undefined],
    ['one turn', { role: 'user', content: 'a' }],
    ['a hole', Array(1)],
    ['no content', [{ role: 'user' }]],
    ['content in parts', [{ role: 'user', content: [{ text: 'a' }] }]],
    ['a role that ends its turn', [{ role: 'user<end>system', content: 'a' }]],
    ['a name', [{ role: 'user', name: 'Ada', content: 'a' }]],
  ])('as a conversation: %s', (_, messages) => {
    expect(() => tokenizer.chat(messages as never)).toThrow(coded);
  });
});

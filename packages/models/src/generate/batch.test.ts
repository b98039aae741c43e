import native from '@heed/backend-native';
import ts from '@heed/backend-ts';
import wasm from '@heed/backend-wasm';
import type { AttentionBackend } from '@heed/core';
import { nextTurn } from '@heed/core/backend';
import { seededRandom } from '@heed/layers';
import { expect, test } from 'vitest';
import { Decoder, DecoderBatch, type GenerateOptions, type TextTokens, generate } from '../index.ts';
import { CONFIGS, hubFiles } from '../test/tiny-decoder.ts';
import { tokenizer } from '../test/tiny-tokenizer.ts';

const backend = await ts.create();
const { weights } = await hubFiles('qwen2');
const config = { ...CONFIGS.qwen2, max_position_embeddings: 400 };
const model = await Decoder.load(backend, { config, weights });

/** Ids of a prompt that differ from those of another at its first token. */
const promptOf = (first: number, length: number): number[] =>
  Array.from({ length }, (_, n) => (n === 0 ? first : (5 * n + 3) % 16));

async function idsOf(prompt: readonly number[], options: GenerateOptions, by = model): Promise<number[]> {
  const ids: number[] = [];
  for await (const { id } of generate(by, tokenizer, prompt, { ignoreEnd: true, ...options })) ids.push(id);
  return ids;
}

/** A batch, and the tokens of each step that it ran. */
async function watched(
  pages: number,
  by: AttentionBackend = backend,
): Promise<{ model: Decoder; batch: DecoderBatch; steps: (readonly TextTokens[])[] }> {
  const own = model.on(by);
  const batch = await DecoderBatch.create(own, { pages, pageSize: 16 });
  const steps: (readonly TextTokens[])[] = [];
  const step = own.step.bind(own);
  own.step = (...given) => {
    steps.push(given[1]);
    return step(...given);
  };
  return { model: own, batch, steps };
}

const tokensOf = (step: readonly TextTokens[]): number => step.reduce((sum, { ids }) => sum + ids.length, 0);

test.each([['ts', ts] as const, ['wasm', wasm] as const])(
  'texts of a batch on %s are those of a batch without the others, whatever runs beside them',
  async (_, provider) => {
    await using own = await provider.create();
    const requests = [3, 100, 9, 70, 1, 64, 65, 2].map((length, n) => ({
      prompt: promptOf(n, length),
      options: { maximum: 3 + n, ...(n % 2 === 1 && { temperature: 1, seed: n }) },
    }));
    const { model: by, batch, steps } = await watched(60, own);
    const together = await Promise.all(
      requests.map(({ prompt, options }) => idsOf(prompt, { ...options, batch }, by)),
    );
    const count = steps.length;
    expect(count).toBeLessThan(requests.reduce((sum, { options }) => sum + options.maximum, 0) / 2);
    // A part of a prompt at most, and the next tokens of the others.
    expect(Math.max(...steps.map(tokensOf))).toBeLessThanOrEqual(64 + requests.length);
    for (const [n, { prompt, options }] of requests.entries()) {
      expect(await idsOf(prompt, { ...options, batch }, by)).toEqual(together[n]);
      expect(await idsOf(prompt, options, by)).toEqual(together[n]);
    }
    expect([batch.running, batch.waiting]).toEqual([0, 0]);
    batch.dispose();
  },
);

test('a prompt that begins as another computes its beginning once', async () => {
  const { model: by, batch, steps } = await watched(40);
  const prompt = promptOf(7, 100);
  const first = generate(by, tokenizer, prompt, { batch, maximum: 2, ignoreEnd: true });
  await first.next();
  steps.length = 0;
  const ids = await idsOf([...prompt, 1, 2], { batch, maximum: 1 }, by);
  expect(steps.map(tokensOf)).toEqual([102 - 64]);
  expect(ids).toEqual(await idsOf([...prompt, 1, 2], { maximum: 1 }));
  await first.return();
  batch.dispose();
});

test('a text waits until there are pages for its prompt, and those behind it wait, too', async () => {
  const { model: by, batch } = await watched(4);
  const first = generate(by, tokenizer, promptOf(1, 33), { batch, maximum: 13, ignoreEnd: true });
  const second = generate(by, tokenizer, promptOf(2, 30), { batch, maximum: 4, ignoreEnd: true });
  const third = generate(by, tokenizer, promptOf(3, 9), { batch, maximum: 2, ignoreEnd: true });
  await first.next();
  const [waits, waitsBehind] = [second.next(), third.next()];
  await first.next();
  expect([batch.running, batch.waiting]).toEqual([1, 2]);
  await first.return();
  await Promise.all([waits, waitsBehind]);
  expect([batch.running, batch.waiting]).toEqual([2, 0]);
  await second.return();
  await third.return();
  expect([batch.running, batch.waiting]).toEqual([0, 0]);
  batch.dispose();
});

test('a text that may have many tokens leaves room for others until it has them', async () => {
  const { model: by, batch, steps } = await watched(6);
  const requests = [1, 2, 3].map((first) => [promptOf(first, 4), { maximum: 40 }] as const);
  const texts = requests.map(([prompt, options]) => idsOf(prompt, { ...options, batch }, by));
  const together = await Promise.all(texts);
  expect(steps.slice(0, 9).map(({ length }) => length)).toEqual(Array(9).fill(3));
  for (const [n, [prompt, options]] of requests.entries()) {
    expect(together[n]).toEqual(await idsOf(prompt, options));
  }
  // Each has three pages at its end: the last one was computed again.
  expect(steps.flat().reduce((sum, { ids }) => sum + ids.length, 0)).toBeGreaterThan(3 * 43);
  batch.dispose();
});

test('a text whose caller takes its time makes room where nothing else can go on, and goes on later', async () => {
  const { model: by, batch } = await watched(4);
  const slow = generate(by, tokenizer, promptOf(1, 40), { batch, maximum: 20, ignoreEnd: true });
  const ids = [(await slow.next()).value!.id];
  const other = await idsOf(promptOf(2, 30), { batch, maximum: 20 }, by);
  expect(other).toEqual(await idsOf(promptOf(2, 30), { maximum: 20 }));
  for await (const { id } of slow) ids.push(id);
  expect(ids).toEqual(await idsOf(promptOf(1, 40), { maximum: 20 }));
  batch.dispose();
});

test('an abort ends a text that waits, one that has begun, and no other', async () => {
  const { model: by, batch } = await watched(4);
  const reason = new Error('gone');
  const [control, waiting] = [new AbortController(), new AbortController()];
  const { signal } = control;
  const first = generate(by, tokenizer, promptOf(1, 20), { batch, maximum: 10, ignoreEnd: true, signal });
  const other = idsOf(promptOf(2, 9), { batch, maximum: 7 }, by);
  await first.next();
  const second = idsOf(promptOf(3, 40), { batch, maximum: 9, signal: waiting.signal }, by);
  const next = first.next();
  await Promise.resolve();
  waiting.abort(reason);
  control.abort(reason);
  await expect(next).rejects.toBe(reason);
  await expect(second).rejects.toBe(reason);
  expect(await other).toEqual(await idsOf(promptOf(2, 9), { maximum: 7 }));
  expect([batch.running, batch.waiting]).toEqual([0, 0]);
  expect(await idsOf(promptOf(4, 60), { batch, maximum: 4 }, by)).toHaveLength(4);
  batch.dispose();
});

test('what the backend throws reaches the texts of the step, and the batch goes on', async () => {
  const { model: by, batch } = await watched(20);
  const step = by.step.bind(by);
  const failure = new Error('out of order');
  by.step = () => Promise.reject(failure);
  const both = [1, 2].map((first) => idsOf(promptOf(first, 5), { batch, maximum: 3 }, by));
  for (const text of both) await expect(text).rejects.toBe(failure);
  expect([batch.running, batch.waiting]).toEqual([0, 0]);
  by.step = step;
  expect(await idsOf(promptOf(1, 5), { batch, maximum: 3 }, by)).toHaveLength(3);
  batch.dispose();
});

/** Callers that come, are slow, abort and leave at random, with pages for some of them at a time; returns how often one began again. */
async function playOut(by: AttentionBackend, seed: number): Promise<number> {
  const random = seededRandom(seed);
  const integer = (from: number, to: number): number => from + Math.floor(random() * (to - from + 1));
  const { model: own, batch, steps } = await watched(integer(14, 16), by);
  const alone = await DecoderBatch.create(own, { pages: 40, pageSize: 16 });
  const answersOf = async (
    prompt: readonly number[],
    options: GenerateOptions,
    isOver: (count: number) => boolean = () => false,
  ): Promise<(readonly number[])[]> => {
    const answers: (readonly number[])[] = [];
    for await (const step of generate(own, tokenizer, prompt, { ignoreEnd: true, ...options })) {
      answers.push([step.id, step.logProbability]);
      if (isOver(answers.length)) break;
    }
    return answers;
  };
  const requests: {
    readonly prompt: readonly number[];
    readonly maximum: number;
    readonly expected: (readonly number[])[];
  }[] = [];
  for (let n = 0; n < 12; n++) {
    const [prompt, maximum] = [promptOf(integer(0, 3), integer(1, 40)), integer(20, 60)];
    // Some go on where another ended, as a conversation does.
    const before = n > 6 ? requests[n - 4]! : null;
    const whole = before === null ? prompt : [...before.prompt, ...before.expected.map(([id]) => id!), 3];
    requests.push({ prompt: whole, maximum, expected: await answersOf(whole, { batch: alone, maximum }) });
  }
  steps.length = 0;
  const texts = requests.map(async ({ prompt, maximum, expected }, n) => {
    const [end, at, pause] = [integer(0, 7), integer(1, 60), integer(0, 3)];
    const control = new AbortController();
    const reason = new Error(`caller ${n}`);
    const turns = async (count: number): Promise<void> => {
      for (let turn = count; turn > 0; turn--) await nextTurn();
    };
    await turns(integer(0, 3));
    if (end === 0) void turns(at).then(() => control.abort(reason));
    const options = { batch, maximum, signal: control.signal };
    const answers: (readonly number[])[] = [];
    try {
      const text = generate(own, tokenizer, prompt, { ...options, ignoreEnd: true });
      for await (const { id, logProbability } of text) {
        answers.push([id, logProbability]);
        if (end === 1 && answers.length === at) break;
        if (pause === 0 && answers.length % 5 === 0) await turns(30);
      }
      if (end > 1) expect(answers, `seed ${seed}, caller ${n}`).toHaveLength(maximum);
    } catch (error) {
      if (error !== reason) throw error;
    }
    expect(answers, `seed ${seed}, caller ${n}`).toEqual(expected.slice(0, answers.length));
  });
  await Promise.all(texts);
  expect([batch.running, batch.waiting], `seed ${seed}`).toEqual([0, 0]);
  const begun = new Set(steps.flat().map(({ text }) => text)).size;
  // All pages are there again.
  expect(await answersOf(promptOf(5, batch.capacity), { batch, maximum: 1 }), `seed ${seed}`).toHaveLength(1);
  batch.dispose();
  alone.dispose();
  return begun - requests.length;
}

test.each([['ts', ts, 6] as const, ['wasm', wasm, 2] as const, ['native', native, 3] as const])(
  'callers that come, wait, abort and leave at random on %s: each text ends with its own bits, and all pages come back',
  async (_, provider, count) => {
    await using own = await provider.create();
    let again = 0;
    for (let seed = 1; seed <= count; seed++) again += await playOut(own, seed);
    expect(again).toBeGreaterThan(0);
  },
  300_000,
);

test('dispose ends all texts with an error of its own', async () => {
  const { model: by, batch } = await watched(3);
  const texts = [1, 2, 3].map((first) => idsOf(promptOf(first, 30), { batch, maximum: 3 }, by));
  const ends = texts.map((text) => expect(text).rejects.toMatchObject({ code: 'DISPOSED' }));
  await new Promise((resolve) => setTimeout(resolve, 0));
  batch.dispose();
  await Promise.all(ends);
  await expect(idsOf([1], { batch }, by)).rejects.toMatchObject({ code: 'DISPOSED' });
  batch.dispose();
});

test('mistakes have a code each', async () => {
  const { model: by, batch } = await watched(3);
  const cache = await by.cache();
  const refused: [string, Promise<unknown>][] = [
    ['ARGUMENT', DecoderBatch.create(undefined as never, { pages: 1 })],
    ['ARGUMENT', DecoderBatch.create(model, {} as never)],
    ['ARGUMENT', idsOf([1], { batch })],
    ['ARGUMENT', idsOf([1], { batch: {} as never })],
    ['ARGUMENT', idsOf([1], { batch, cache }, by)],
    ['ARGUMENT', idsOf([1], { batch, off: [{ layer: 0, heads: [0] }] }, by)],
    ['ARGUMENT', idsOf(promptOf(1, 49), { batch }, by)],
    ['ARGUMENT', idsOf(promptOf(1, 40), { batch, maximum: 10 }, by)],
  ];
  for (const [code, work] of refused) await expect(work).rejects.toMatchObject({ code });
  cache.dispose();
  batch.dispose();
});

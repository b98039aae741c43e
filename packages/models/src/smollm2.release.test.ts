import ts from '@heed/backend-ts';
import wasm from '@heed/backend-wasm';
import type { AttentionBackend, BackendProvider } from '@heed/core';
import { isRequired } from '@heed/testing';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { Decoder, ggufTokenizer } from './index.ts';
import { openSmolLM2, smolCases } from './test/smollm2.ts';

/** The backends, and how many of the texts each is asked: tokens take ts a third of a second, a GPU in software more. */
const BACKENDS = [
  ['ts', 1],
  ['wasm', Infinity],
  ['native', Infinity],
  ['tfjs-node', Infinity],
  ['webgpu', 1],
] as const;
const cases = smolCases().toSorted((a, b) => a.ids.length - b.ids.length);

// A third of a second for a token on ts, and many times that on a machine with other work.
vi.setConfig({ testTimeout: 900_000, hookTimeout: 900_000 });

let model: Decoder;
let tokenizer: ReturnType<typeof ggufTokenizer>;
beforeAll(async () => {
  const file = await openSmolLM2();
  tokenizer = ggufTokenizer(file);
  model = await Decoder.load(await ts.create(), file);
});

test('weights stay as the file has them: 97 MB', async () => {
  const before = process.memoryUsage().arrayBuffers;
  const loaded = await Decoder.load(await ts.create(), await openSmolLM2());
  const cache = await loaded.cache({ capacity: 4 });
  await loaded.run([[1]], { cache });
  globalThis.gc?.();
  // What ts packs is a copy of the blocks: twice the file's 94 MB and what reading left behind, instead of 540.
  expect((process.memoryUsage().arrayBuffers - before) / 2 ** 20).toBeLessThan(300);
  cache.dispose();
});

test.each(cases)('token ids and their text: $text', ({ text, ids, greedy, greedyText }) => {
  expect(tokenizer.encode(text)).toEqual(ids);
  expect(tokenizer.decode(ids)).toBe(text);
  expect(tokenizer.decode(greedy)).toBe(greedyText);
});

test('a conversation by the chat template of the file', () => {
  const ids = tokenizer.chat([{ role: 'user', content: 'Hi' }]);
  expect(tokenizer.decode(ids, { special: true })).toBe(
    '<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n' +
      '<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n',
  );
  expect(ids[0]).toBe(1);
  expect(tokenizer.endIds).toEqual([2]);
  expect(() => tokenizer.chat([{ role: 'user', content: 'a<|im_end|>b' }])).toThrow('special token');
});

describe.each(BACKENDS)('%s', (name, texts) => {
  let backend: AttentionBackend;
  let absence: string | null = null;
  beforeAll(async () => {
    const { default: provider } = (await import(`@heed/backend-${name}`)) as { default: BackendProvider };
    const availability = await provider.probe();
    if (!availability.available && !isRequired()) absence = availability.reason;
    else backend = await provider.create();
  });

  test('likelihoods within 1e-3, weights of the first layer within 1e-4', async ({ skip }) => {
    skip(absence !== null, absence ?? '');
    for (const { ids, meanNegativeLogLikelihood, layer0LastRowWeights } of cases.slice(0, texts)) {
      const likelihoods = await model.on(backend).likelihoods(ids);
      const mean = -likelihoods.reduce((sum, value) => sum + value, 0) / likelihoods.length;
      expect(Math.abs(mean - meanNegativeLogLikelihood)).toBeLessThan(1e-3);
      const capture = [{ layer: 0, what: 'weights' }] as const;
      const { captured } = await model.on(backend).run([ids], { logits: 'none', capture });
      const [weights] = captured;
      const length = ids.length;
      expect(weights!.shape).toEqual([1, 9, length, length]);
      layer0LastRowWeights.forEach((row, head) => {
        const start = (head * length + length - 1) * length;
        row.forEach((value, j) => expect(Math.abs(weights!.data[start + j]! - value)).toBeLessThan(1e-4));
      });
    }
    await backend.dispose();
  });
});

test('greedy continuations are equal up to the first step whose margin is below 0.02', async () => {
  const backend = await wasm.create();
  const onBackend = model.on(backend);
  for (const { ids, greedy } of cases) {
    const cache = await onBackend.cache({ capacity: ids.length + greedy.length });
    let next: readonly number[] = ids;
    let compared = 0;
    for (const expected of greedy) {
      const { data } = (await onBackend.run([next], { cache })).logits;
      const [best, second] = data.reduce(
        ([a, b], score, id) =>
          score > data[a]! ? [id, a] : score > (data[b] ?? -Infinity) ? [a, id] : [a, b],
        [0, -1],
      );
      if (data[best]! - data[second]! < 0.02) break;
      expect(best).toBe(expected);
      next = [best];
      compared++;
    }
    expect(compared).toBeGreaterThan(5);
    cache.dispose();
  }
  await backend.dispose();
});

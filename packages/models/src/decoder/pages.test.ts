import ts from '@heed/backend-ts';
import type { AttentionBackend, BackendProvider } from '@heed/core';
import { seededRandom } from '@heed/layers';
import { isRequired } from '@heed/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  type Capture,
  Decoder,
  type DecoderPages,
  type DecoderPagesOptions,
  type TextResults,
} from '../index.ts';
import { CONFIGS, type Kind, TINY, hubFiles } from '../test/tiny-decoder.ts';

const KINDS = Object.keys(CONFIGS) as Kind[];
const ids = [3, 1, 4, 1, 5, 9, 2, 6];
const backend = await ts.create();

function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return Array.from(a).reduce((worst, value, n) => Math.max(worst, Math.abs(value - b[n]!)), 0);
}

/** The results of a text that runs alone, in the same parts. */
async function alone(
  model: Decoder,
  parts: readonly (readonly number[])[],
  options: Partial<DecoderPagesOptions>,
): Promise<TextResults> {
  const pages = await model.pages({ pages: 24, ...options });
  const text = pages.open();
  let results: TextResults;
  for (const part of parts) [results] = (await model.step(pages, [{ text, ids: part }])) as [TextResults];
  pages.dispose();
  return results!;
}

describe.each(KINDS)('%s', (kind) => {
  test('texts in pages have the scores of a run', async () => {
    const model = await Decoder.load(backend, await hubFiles(kind));
    const pages = await model.pages({ pages: 8, pageSize: 3 });
    const [one, other] = [pages.open(), pages.open()];
    const first = await model.step(pages, [
      { text: one, ids: ids.slice(0, 4), logits: 'all' },
      { text: other, ids: [7], logits: 'none' },
    ]);
    expect(first.map(({ logits }) => logits.shape)).toEqual([
      [4, TINY.vocabulary],
      [0, TINY.vocabulary],
    ]);
    const whole = (await model.run([ids], { logits: 'all' })).logits.data;
    expect(distance(first[0]!.logits.data, whole.subarray(0, 4 * TINY.vocabulary))).toBeLessThan(1e-5);
    const second = await model.step(pages, [
      { text: other, ids: [7, 2] },
      { text: one, ids: ids.slice(4) },
    ]);
    expect(distance(second[1]!.logits.data, whole.subarray(-TINY.vocabulary))).toBeLessThan(1e-5);
    const expected = await model.run([[7, 7, 2]]);
    expect(distance(second[0]!.logits.data, expected.logits.data)).toBeLessThan(1e-5);
    expect([pages.lengthOf(one), pages.lengthOf(other), pages.free]).toEqual([8, 3, 4]);
    pages.dispose();
  });
});

/** Every part of two layers. */
const EVERYTHING = [0, 1].flatMap((layer): Capture[] => [
  ...(['weights', 'query', 'key', 'value', 'output'] as const).map((what) => ({
    layer,
    heads: [3, 0],
    what,
  })),
  { layer, what: 'feedForward' },
  { layer, what: 'residual' },
]);

/** Captures of three steps of two texts, beside those of a cache, and the scores without captures to the bit. */
async function lookInto(model: Decoder, type: NonNullable<DecoderPagesOptions['type']>): Promise<void> {
  const pages = await model.pages({ pages: 12, pageSize: 3, type });
  const plain = await model.pages({ pages: 12, pageSize: 3, type });
  const caches = [await model.cache({ type }), await model.cache({ type })];
  const [one, other] = [pages.open(), pages.open()];
  expect([plain.open(), plain.open()]).toEqual([one, other]);
  const steps = [
    [
      { text: one, ids: ids.slice(0, 5) },
      { text: other, ids: [7] },
    ],
    [
      { text: one, ids: ids.slice(5, 6) },
      { text: other, ids: [2] },
    ],
    [
      { text: other, ids: [8, 3, 3] },
      { text: one, ids: ids.slice(6) },
    ],
  ];
  for (const step of steps) {
    const results = await model.step(
      pages,
      step.map((tokens, n) => ({ ...tokens, ...(n === 0 && { capture: EVERYTHING }) })),
    );
    const without = await model.step(plain, step);
    expect(results.map(({ logits }) => logits)).toEqual(without.map(({ logits }) => logits));
    expect(results[1]!.captured).toEqual([]);
    for (const [n, tokens] of step.entries()) {
      const run = { cache: caches[tokens.text]!, capture: EVERYTHING };
      const { captured } = await model.run([tokens.ids], run);
      if (n > 0) continue;
      for (const [c, capture] of EVERYTHING.entries()) {
        const [actual, expected] = [results[0]!.captured[c]!, captured[c]!];
        expect(actual.shape, JSON.stringify(capture)).toEqual(expected.shape);
        expect(distance(actual.data, expected.data), JSON.stringify(capture)).toBeLessThan(2e-4);
      }
    }
  }
  for (const made of [pages, plain, ...caches]) made.dispose();
}

describe('the book', () => {
  let model: Decoder;
  beforeAll(async () => {
    model = await Decoder.load(backend, await hubFiles('llama'));
  });

  test('a fork shares pages until one of the two writes', async () => {
    const pages = await model.pages({ pages: 6, pageSize: 4 });
    const text = pages.open();
    await model.step(pages, [{ text, ids: ids.slice(0, 6) }]);
    const other = pages.fork(text);
    expect(pages.free).toBe(4);
    const [a, b] = await model.step(pages, [
      { text, ids: [2] },
      { text: other, ids: [9] },
    ]);
    expect(pages.free).toBe(3);
    const parts = (id: number): number[][] => [ids.slice(0, 6), [id]];
    expect(a).toEqual(await alone(model, parts(2), { pageSize: 4 }));
    expect(b).toEqual(await alone(model, parts(9), { pageSize: 4 }));
    pages.close(text);
    pages.close(other);
    expect(pages.free).toBe(6);
    pages.dispose();
  });

  test('a text begins with the whole pages that another has of its ids', async () => {
    const pages = await model.pages({ pages: 12, pageSize: 3 });
    const first = pages.open(ids);
    expect(pages.lengthOf(first)).toBe(0);
    await model.step(pages, [{ text: first, ids: ids.slice(0, 6) }]);
    const prompt = [...ids.slice(0, 7), 11];
    const second = pages.open(prompt);
    expect(pages.lengthOf(second)).toBe(6);
    expect(pages.free).toBe(10);
    const [scores] = await model.step(pages, [{ text: second, ids: prompt.slice(6) }]);
    expect(scores).toEqual(await alone(model, [ids.slice(0, 6), prompt.slice(6)], { pageSize: 3 }));
    // The last id has to run in any case, and nothing is shared of less than a page.
    expect(pages.lengthOf(pages.open(ids.slice(0, 6)))).toBe(3);
    expect(pages.lengthOf(pages.open(ids.slice(0, 3)))).toBe(0);
    expect(pages.lengthOf(pages.open([5, 5, 5, 5]))).toBe(0);
    pages.dispose();
  });

  test('a text without room is refused, and so are those beside it: nothing has run', async () => {
    const pages = await model.pages({ pages: 3, pageSize: 4 });
    const [one, other] = [pages.open(), pages.open()];
    await model.step(pages, [{ text: one, ids: ids.slice(0, 6) }]);
    const refused = model.step(pages, [
      { text: one, ids: [1] },
      { text: other, ids },
    ]);
    await expect(refused).rejects.toMatchObject({ code: 'OUT_OF_MEMORY', clause: 'pages' });
    await expect(refused).rejects.toThrow('1 of 3 pages are free; close() a text');
    expect([pages.lengthOf(one), pages.lengthOf(other), pages.free]).toEqual([6, 0, 1]);
    pages.close(one);
    const [scores] = await model.step(pages, [{ text: other, ids }]);
    expect(scores).toEqual(await alone(model, [ids], { pageSize: 4, pages: 6 }));
    pages.dispose();
  });

  test('more texts than there is room for come and go: nothing is allocated after the beginning', async () => {
    let allocated = 0;
    const allocate: typeof backend.allocate = (...given) => {
      allocated++;
      return backend.allocate(...given);
    };
    const counting = model.on(Object.create(backend, { allocate: { value: allocate } }) as AttentionBackend);
    const pages = await counting.pages({ pages: 4, pageSize: 4, type: 'int8' });
    expect(allocated).toBe(4 * TINY.layers);
    for (let turn = 0; turn < 20; turn++) {
      const text = pages.open(ids);
      await counting.step(pages, [{ text, ids }]);
      pages.close(text);
    }
    expect([allocated, pages.free]).toEqual([4 * TINY.layers, 4]);
    pages.dispose();
  });

  test('an abort takes a step back, also one that copied a page', async () => {
    const pages = await model.pages({ pages: 6, pageSize: 4 });
    const text = pages.open();
    await model.step(pages, [{ text, ids: ids.slice(0, 6) }]);
    const other = pages.fork(text);
    const reason = new Error('enough');
    const control = new AbortController();
    const step = model.step(pages, [{ text: other, ids: [9] }], { signal: control.signal });
    control.abort(reason);
    await expect(step).rejects.toBe(reason);
    expect([pages.lengthOf(other), pages.free]).toEqual([6, 4]);
    const [a, b] = await model.step(pages, [
      { text, ids: [2] },
      { text: other, ids: [9] },
    ]);
    expect(a).toEqual(await alone(model, [ids.slice(0, 6), [2]], { pageSize: 4 }));
    expect(b).toEqual(await alone(model, [ids.slice(0, 6), [9]], { pageSize: 4 }));
    pages.dispose();
  });

  test('a text may be closed during a step, and nothing else be done', async () => {
    const pages = await model.pages({ pages: 6, pageSize: 4 });
    const [one, other] = [pages.open(), pages.open()];
    const step = model.step(pages, [
      { text: one, ids },
      { text: other, ids: [7] },
    ]);
    pages.close(one);
    expect(() => pages.lengthOf(one)).toThrow('no text 0 is open');
    for (const refused of [() => pages.open(), () => pages.fork(other), () => pages.truncate(other, 0)]) {
      expect(refused).toThrow(expect.objectContaining({ code: 'ARGUMENT', clause: 'pages' }));
    }
    await expect(model.step(pages, [{ text: other, ids: [1] }])).rejects.toMatchObject({ code: 'ARGUMENT' });
    expect((await step)[0]).toEqual(await alone(model, [ids], { pageSize: 4 }));
    expect([pages.free, pages.lengthOf(other)]).toEqual([5, 1]);
    pages.dispose();
  });

  test('mistakes have a code each, and change nothing', async () => {
    const pages = await model.pages({ pages: 6, pageSize: 4, capacity: 9 });
    const text = pages.open();
    await model.step(pages, [{ text, ids: [1, 2] }]);
    const step = (...texts: object[]) => model.step(pages, texts as never);
    const refused: [string, () => Promise<unknown>][] = [
      ['ARGUMENT', () => model.pages(undefined as never)],
      ['ARGUMENT', () => model.pages({ pages: 0 })],
      ['ARGUMENT', () => model.pages({ pages: 1, capacity: TINY.positions + 1 })],
      ['UNKNOWN_OPTION', () => model.pages({ pages: 1, size: 16 } as never)],
      ['ARGUMENT', () => model.step({} as never, [])],
      ['ARGUMENT', () => model.step(pages, undefined as never)],
      ['UNKNOWN_OPTION', () => model.step(pages, [], { capture: [] } as never)],
      ['ARGUMENT', () => step({ text: 7, ids: [1] })],
      ['ARGUMENT', () => step({ text, ids: [] })],
      ['ARGUMENT', () => step({ text, ids: [-1] })],
      ['ARGUMENT', () => step({ text, ids: [TINY.vocabulary] })],
      ['ARGUMENT', () => step({ text, ids }, { text, ids })],
      ['ARGUMENT', () => step({ text, ids })],
      ['ARGUMENT', () => step({ text, ids: [1], capture: [{ layer: TINY.layers, what: 'residual' }] })],
      ['ARGUMENT', () => step({ text, ids: [1], capture: 'weights' })],
      ['UNKNOWN_OPTION', () => step({ text, ids: [1], counts: 1 })],
      ['ARGUMENT', async () => pages.truncate(text, 3)],
      ['ARGUMENT', async () => pages.fork(7)],
      ['ARGUMENT', async () => pages.open('ids' as never)],
    ];
    for (const [code, work] of refused) await expect(work()).rejects.toMatchObject({ code });
    expect(await model.step(pages, [])).toEqual([]);
    expect([pages.lengthOf(text), pages.free]).toEqual([2, 5]);
    const [scores] = await model.step(pages, [{ text, ids: [3] }]);
    expect(scores).toEqual(await alone(model, [[1, 2], [3]], { pageSize: 4, capacity: 9 }));
    pages.dispose();
  });

  test('pages and caches of a model with more heads are refused', async () => {
    const other = await Decoder.load(backend, await hubFiles('gpt2'));
    const [pages, cache] = [await other.pages({ pages: 4 }), await other.cache()];
    const text = pages.open();
    const code = 'ARGUMENT';
    await expect(model.step(pages, [{ text, ids }])).rejects.toMatchObject({ code });
    await expect(model.run([ids], { cache })).rejects.toMatchObject({ code });
    expect([pages.lengthOf(text), cache.lengths[0]]).toEqual([0, 0]);
    for (const one of [pages, cache]) one.dispose();
  });

  test('a backend without pages, or without a type, is refused by name', async () => {
    const { features } = backend.capabilities;
    const without = (feature: string): Decoder =>
      model.on(
        Object.create(backend, {
          capabilities: {
            value: { ...backend.capabilities, features: features.filter((name) => name !== feature) },
          },
        }) as AttentionBackend,
      );
    const code = 'UNSUPPORTED';
    await expect(without('pages').pages({ pages: 4 })).rejects.toMatchObject({ code, clause: 'pages' });
    const int8 = without('cache.int8').pages({ pages: 4, type: 'int8' });
    await expect(int8).rejects.toMatchObject({ code, clause: 'cache' });
  });
});

/** A text of a schedule: the parts in which it ran, and those of the text that it was forked from. */
type Parts = readonly (readonly number[])[];

/** Opens, runs, forks, cuts and closes texts at random. Each has the scores that it has alone, to the bit. */
async function playOut(
  model: Decoder,
  seed: number,
  type: NonNullable<DecoderPagesOptions['type']>,
): Promise<void> {
  const random = seededRandom(seed);
  const integer = (from: number, to: number): number => from + Math.floor(random() * (to - from + 1));
  const pick = <T>(list: readonly T[]): T => list[integer(0, list.length - 1)]!;
  const options = {
    pages: integer(6, 20),
    pageSize: pick([1, 3, 4]),
    capacity: pick([12, TINY.positions]),
    type,
  };
  const pages: DecoderPages = await model.pages(options);
  const texts = new Map<number, Parts>();
  for (let turn = 0; turn < 14; turn++) {
    const open = [...texts.keys()];
    const what = pick(['open', 'step', 'step', 'step', 'fork', 'truncate', 'close']);
    if (what === 'open' || open.length === 0) texts.set(pages.open(), []);
    else if (what === 'fork') {
      const from = pick(open);
      texts.set(pages.fork(from), texts.get(from)!);
    } else if (what === 'close') {
      const text = pick(open);
      pages.close(text);
      texts.delete(text);
    } else if (what === 'truncate') {
      // To the end of a part: the bits of a row may depend on the number of rows that ran with it.
      const text = pick(open);
      const parts = texts.get(text)!.slice(0, integer(0, texts.get(text)!.length));
      pages.truncate(text, parts.flat().length);
      texts.set(text, parts);
    } else {
      const chosen = open
        .filter(() => random() < 0.7)
        .map((text) => ({
          text,
          ids: Array.from({ length: pick([1, 1, 1, 2, 5]) }, () => integer(0, TINY.vocabulary - 1)),
        }))
        .filter((one) => pages.lengthOf(one.text) + one.ids.length <= pages.capacity);
      const before = [...texts.keys()].map((text) => pages.lengthOf(text));
      let scores: readonly TextResults[];
      try {
        scores = await model.step(pages, chosen);
      } catch (error) {
        expect(error, `seed ${seed}`).toMatchObject({ code: 'OUT_OF_MEMORY' });
        expect([...texts.keys()].map((text) => pages.lengthOf(text))).toEqual(before);
        continue;
      }
      for (const [n, one] of chosen.entries()) {
        const parts = [...texts.get(one.text)!, one.ids];
        texts.set(one.text, parts);
        const { pageSize, capacity } = options;
        const expected = await alone(model, parts, { pages: options.pages, pageSize, capacity, type });
        expect(scores[n], `seed ${seed}, ${type}, text ${one.text}`).toEqual(expected);
      }
    }
  }
  for (const text of texts.keys()) pages.close(text);
  expect(pages.free, `seed ${seed}`).toBe(options.pages);
  pages.dispose();
}

describe.each(['ts', 'wasm', 'native', 'webgpu'] as const)('%s', (name) => {
  let other: AttentionBackend;
  let absence: string | null = null;
  beforeAll(async () => {
    const { default: provider } = (await import(`@heed/backend-${name}`)) as { default: BackendProvider };
    const availability = await provider.probe();
    if (!availability.available && !isRequired()) absence = availability.reason;
    else other = await provider.create();
  });

  test('captures are those of a cache, and leave all scores as they are', async ({ skip }) => {
    skip(absence !== null, absence ?? '');
    for (const [n, kind] of (name === 'webgpu' ? KINDS.slice(0, 1) : KINDS).entries()) {
      const model = (await Decoder.load(backend, await hubFiles(kind))).on(other);
      await lookInto(model, n === 1 ? 'int8' : 'float32');
    }
  }, 300_000);

  test('random schedules: each text has the bits that it has alone', async ({ skip }) => {
    skip(absence !== null, absence ?? '');
    const isSlow = name === 'webgpu';
    const count = isSlow ? 1 : 4;
    for (const [n, kind] of (isSlow ? KINDS.slice(0, 2) : KINDS).entries()) {
      const model = (await Decoder.load(backend, await hubFiles(kind))).on(other);
      for (let seed = 1; seed <= count; seed++) {
        await playOut(model, 100 * n + seed, (['float32', 'int8', 'float16'] as const)[(n + seed) % 3]!);
      }
    }
  }, 300_000);
});

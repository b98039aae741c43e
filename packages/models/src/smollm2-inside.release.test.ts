import type { AttentionBackend, BackendProvider } from '@heed/core';
import { isRequired } from '@heed/testing';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type ChatMessage, Decoder, ggufTokenizer } from './index.ts';
import { logProbabilitiesOf } from './decoder/log-probabilities.ts';
import { openSmolLM2 } from './test/smollm2.ts';

/** Ids and their log-probabilities, the likeliest first. */
type Top = readonly (readonly [id: number, logProbability: number])[];

/** Cases of scripts/oracle/smollm2.py, in float64 on the same file. */
interface Inside {
  /** The first 1,024 tokens of the license; means over eighths of them. */
  readonly long: {
    readonly ids: readonly number[];
    readonly meanLogLikelihoods: readonly number[];
    readonly next: Top;
  };
  readonly chat: {
    readonly messages: readonly ChatMessage[];
    readonly ids: readonly number[];
    readonly meanLogLikelihood: number;
    readonly next: Top;
    readonly greedy: readonly number[];
    /** By how much each was ahead of the second. */
    readonly margins: readonly number[];
  };
  readonly off: {
    readonly text: string;
    readonly ids: readonly number[];
    readonly off: readonly { readonly layer: number; readonly heads: readonly number[] }[];
    readonly logLikelihoods: readonly number[];
    readonly withoutHeads: readonly number[];
    readonly next: Top;
  };
  /** The first text's run with parts of the second's. */
  readonly patch: {
    readonly texts: readonly string[];
    readonly ids: readonly (readonly number[])[];
    readonly next: readonly Top[];
    readonly output: { readonly layer: number; readonly heads: readonly number[]; readonly next: Top };
    readonly residual: { readonly layer: number; readonly token: number; readonly next: Top };
  };
}

const BACKENDS = ['wasm', 'native'] as const;
const TOLERANCE = 1e-3;
const { long, chat, off, patch } = JSON.parse(
  readFileSync(new URL('../cases/smollm2-inside.json', import.meta.url), 'utf8'),
) as Inside;
const license = readFileSync(new URL('../../../LICENSE', import.meta.url), 'utf8');

vi.setConfig({ testTimeout: 900_000, hookTimeout: 900_000 });

const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;

function expectNext(scores: Float32Array, next: Top): void {
  const logProbabilities = logProbabilitiesOf(scores);
  for (const [id, expected] of next) {
    expect(Math.abs(logProbabilities[id]! - expected), `token ${id}`).toBeLessThan(TOLERANCE);
  }
}

describe.each(BACKENDS)('%s agrees with float64', (name) => {
  let backend: AttentionBackend | undefined;
  let model: Decoder;
  let tokenizer: ReturnType<typeof ggufTokenizer>;
  let absence: string | null = null;
  beforeAll(async () => {
    const { default: provider } = (await import(`@heed/backend-${name}`)) as { default: BackendProvider };
    const availability = await provider.probe();
    if (!availability.available && !isRequired()) absence = availability.reason;
    else backend = await provider.create();
    if (backend === undefined) return;
    const file = await openSmolLM2();
    tokenizer = ggufTokenizer(file);
    model = await Decoder.load(backend, file);
  });
  afterAll(async () => backend?.dispose());

  test('on a text of 1,024 tokens, at its beginning and at its end', async ({ skip }) => {
    skip(absence !== null, absence ?? '');
    expect(tokenizer.encode(license).slice(0, 1024)).toEqual(long.ids);
    const likelihoods = await model.likelihoods(long.ids);
    expect(likelihoods.length).toBe(1023);
    long.meanLogLikelihoods.forEach((expected, n) => {
      expect(Math.abs(mean(likelihoods.subarray(128 * n, 128 * (n + 1))) - expected)).toBeLessThan(TOLERANCE);
    });
    // The last token alone, behind a cache of the others.
    const cache = await model.cache({ capacity: 1024 });
    await model.run([long.ids.slice(0, -1)], { cache, logits: 'none' });
    expectNext((await model.run([long.ids.slice(-1)], { cache })).logits.data, long.next);
    cache.dispose();
  });

  test('on a conversation by the template, and on its answer', async ({ skip }) => {
    skip(absence !== null, absence ?? '');
    expect(tokenizer.chat(chat.messages)).toEqual(chat.ids);
    expect(Math.abs(mean(await model.likelihoods(chat.ids)) - chat.meanLogLikelihood)).toBeLessThan(
      TOLERANCE,
    );
    const cache = await model.cache({ capacity: chat.ids.length + chat.greedy.length });
    let { data } = (await model.run([chat.ids], { cache })).logits;
    expectNext(data, chat.next);
    for (const [n, expected] of chat.greedy.entries()) {
      if (chat.margins[n]! < 0.02) break;
      expect(data.indexOf(data.reduce((a, b) => Math.max(a, b)))).toBe(expected);
      ({ data } = (await model.run([[expected]], { cache })).logits);
    }
    cache.dispose();
  });

  test('with heads that are off', async ({ skip }) => {
    skip(absence !== null, absence ?? '');
    expect(tokenizer.encode(off.text)).toEqual(off.ids);
    const change = off.off.map((place) => ({ ...place, what: 'off' }) as const);
    const whole = await model.likelihoods(off.ids);
    const without = await model.likelihoods(off.ids, { change });
    whole.forEach((value, n) => expect(Math.abs(value - off.logLikelihoods[n]!)).toBeLessThan(TOLERANCE));
    without.forEach((value, n) => expect(Math.abs(value - off.withoutHeads[n]!)).toBeLessThan(TOLERANCE));
    // Far enough apart that the case could not pass with the heads on.
    expect(Math.max(...whole.map((value, n) => Math.abs(value - without[n]!)))).toBeGreaterThan(0.1);
    expectNext((await model.run([off.ids], { change })).logits.data, off.next);
  });

  test('with parts of another run', async ({ skip }) => {
    skip(absence !== null, absence ?? '');
    const [into, source] = patch.texts.map((text) => tokenizer.encode(text));
    expect([into, source]).toEqual(patch.ids);
    const { output, residual } = patch;
    const capture = [
      { layer: output.layer, heads: output.heads, what: 'output' },
      { layer: residual.layer, what: 'residual' },
    ] as const;
    const own = await model.run([into!], { capture });
    const other = await model.run([source!], { capture });
    expectNext(own.logits.data, patch.next[0]!);
    expectNext(other.logits.data, patch.next[1]!);

    const heads = await model.run([into!], {
      change: [{ layer: output.layer, heads: output.heads, what: 'output', value: other.captured[0]! }],
    });
    expectNext(heads.logits.data, output.next);
    // So far from the run without the change that another head would show.
    expect(() => expectNext(own.logits.data, output.next)).toThrow('token');

    // One token's stream of the other run, among its own.
    const stream = own.captured[1]!;
    const { width } = model.config;
    const [from, to] = [residual.token * width, (residual.token + 1) * width];
    stream.data.set(other.captured[1]!.data.subarray(from, to), from);
    const patched = await model.run([into!], {
      change: [{ layer: residual.layer, what: 'residual', value: stream }],
    });
    expectNext(patched.logits.data, residual.next);
  });
});

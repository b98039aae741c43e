import type { AttentionBackend, BackendProvider } from '@heed/core';
import { isRequired } from '@heed/testing';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { resample } from '../audio/resample.ts';
import { type Sound, type TextTokenizer, type TimedWord, Whisper, hubTokenizer, readWav } from '../index.ts';
import { Provisioned } from '../test/provisioned.ts';

const BACKENDS = ['wasm', 'native'] as const;
const CASES = new URL('../../cases/speech/', import.meta.url);

interface Clip {
  readonly file: string;
  /** Recordings that follow one another, where the clip is of several. */
  readonly of?: readonly string[];
  readonly text: string;
  readonly words: readonly (readonly [text: string, start: number, end: number])[];
}

const { clips } = JSON.parse(readFileSync(new URL('transcripts.json', CASES), 'utf8')) as {
  readonly clips: readonly Clip[];
};

async function soundOf({ file, of }: Clip): Promise<Sound> {
  if (of === undefined) return readWav(readFileSync(new URL(file, CASES)));
  const folder = new Provisioned('speech-samples');
  const parts: number[] = [];
  for (const name of of) {
    const { samples, sampleRate } = readWav(await folder.bytes(name));
    for (const sample of resample(samples, sampleRate, 16_000)) parts.push(sample);
  }
  return { samples: Float32Array.from(parts), sampleRate: 16_000 };
}

/** Word for word; times within 0.15 s, half of them within 0.05 s. */
function compare(words: readonly TimedWord[], expected: Clip['words']): void {
  expect(words.map(({ text }) => text)).toEqual(expected.map(([text]) => text));
  const errors = expected
    .flatMap(([, start, end], n) => [Math.abs(words[n]!.start - start), Math.abs(words[n]!.end - end)])
    .sort((a, b) => a - b);
  expect(errors.at(-1)).toBeLessThanOrEqual(0.15 + 1e-9);
  expect(errors[Math.floor(errors.length / 2)]).toBeLessThanOrEqual(0.05);
}

describe.each(BACKENDS)('whisper-tiny.en on %s', (name) => {
  let backend: AttentionBackend;
  let absence: string | null = null;
  let model: Whisper;
  let tokenizer: TextTokenizer;
  beforeAll(async () => {
    const { default: provider } = (await import(`@heed/backend-${name}`)) as { default: BackendProvider };
    const availability = await provider.probe();
    if (!availability.available && !isRequired()) {
      absence = availability.reason;
      return;
    }
    backend = await provider.create();
    const folder = new Provisioned('whisper-tiny.en');
    const [config, generation] = [
      await folder.json('config.json'),
      await folder.json('generation_config.json'),
    ];
    model = await Whisper.load(backend, { config, generation, weights: await folder.weights() });
    tokenizer = hubTokenizer(await folder.json('tokenizer.json'), await folder.json('tokenizer_config.json'));
  });
  afterAll(async () => {
    if (absence === null) await backend.dispose();
  });

  test.for(clips)(
    '$file: the transcript word for word, and the times of words',
    { timeout: 600_000 },
    async (clip, { skip }) => {
      skip(absence !== null, absence ?? '');
      const { text, segments } = await model.transcribe(await soundOf(clip), tokenizer, { words: true });
      expect(text).toBe(clip.text);
      compare(
        segments.flatMap((segment) => segment.words),
        clip.words,
      );
    },
  );

  test.for([5, 40])('%i s of silence have no text', async (seconds, { skip }) => {
    skip(absence !== null, absence ?? '');
    const silence = { samples: new Float32Array(seconds * 16_000), sampleRate: 16_000 };
    expect(await model.transcribe(silence, tokenizer, { words: true })).toEqual({ text: '', segments: [] });
  });
});

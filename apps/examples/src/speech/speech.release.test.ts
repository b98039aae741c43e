import { readWav } from '@heed/models';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createBackend } from '../backends.ts';
import { provisioned } from '../model-files.ts';
import { alignmentWeights } from './alignment.ts';
import { speechPicture } from './picture.ts';
import { loadWhisper } from './whisper-folder.ts';

const CLIP = new URL('../../../../packages/models/cases/speech/quick_brown_fox.wav', import.meta.url);

test('a clip is written down, drawn, and each of its tokens looks further on in the sound', async () => {
  const backend = await createBackend('wasm');
  const { model, tokenizer } = await loadWhisper(backend, provisioned('whisper-tiny.en'));
  const sound = readWav(readFileSync(CLIP));
  const { text, segments } = await model.transcribe(sound, tokenizer, { words: true });
  expect(text).toBe('The quick brown fox jumps over the lazy dog.');
  const picture = speechPicture(
    sound,
    segments.flatMap(({ words }) => words),
  );
  expect(picture).toMatch(/^<svg/);
  for (const word of text.split(' ')) expect(picture).toContain(`>${word}</text>`);
  const ids = segments.flatMap((segment) => segment.ids);
  const { weights } = await alignmentWeights(model, sound, ids);
  const [, heads, tokens, places] = weights.shape as [number, number, number, number];
  expect([heads, places]).toEqual([8, 145]);
  const centers = Array.from({ length: tokens }, (_, i) => {
    let [sum, moment] = [0, 0];
    for (let head = 0; head < heads; head++) {
      weights.data
        .subarray((head * tokens + i) * places, (head * tokens + i + 1) * places)
        .forEach((weight, j) => {
          sum += weight;
          moment += weight * j;
        });
    }
    return moment / sum;
  });
  const later = centers.filter((center, n) => n > 0 && center > centers[n - 1]!).length;
  expect(later).toBeGreaterThanOrEqual(0.7 * (tokens - 1));
  await backend.dispose();
});

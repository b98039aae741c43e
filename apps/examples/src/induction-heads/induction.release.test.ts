import { expect, test } from 'vitest';
import { createBackend } from '../backends.ts';
import { loadText, provisionedFile } from '../text/smollm2.ts';
import { inductionScores, otherHeads, repeatedIds, secondHalf } from './induction.ts';

test('SmolLM2 repeats what it has read by its induction heads: without them it cannot, without others it can', async () => {
  const backend = await createBackend('wasm');
  const { model } = await loadText(backend, provisionedFile);
  const ids = repeatedIds(model.config.vocabulary, 24, 2);
  const { scores } = await inductionScores(model, ids);
  const chosen = scores.slice(0, 10);
  expect(chosen[0]!.score).toBeGreaterThan(0.5);
  const whole = await secondHalf(model, ids, []);
  const without = await secondHalf(model, ids, chosen);
  const others = await secondHalf(model, ids, otherHeads(scores, chosen));
  expect(whole - without).toBeGreaterThan(1);
  expect(whole - without).toBeGreaterThan(2 * (whole - others));
  await backend.dispose();
});

import ts from '@heed/backend-ts';
import wasm from '@heed/backend-wasm';
import { expect, test } from 'vitest';
import { lossesOfTorch } from './losses.ts';
import { SIZES, STEPS, train } from './training.ts';

const { source, losses } = lossesOfTorch();

test.each([ts, wasm])(`50 steps of training have the losses of ${source} on $name`, async (provider) => {
  const backend = await provider.create();
  const ours = await train(backend, SIZES.small, STEPS);
  expect(ours.length).toBe(losses.small.length);
  ours.forEach((loss, step) =>
    expect(Math.abs(loss - losses.small[step]), `step ${step}`).toBeLessThan(1e-4),
  );
  // It learns: one token in five of the text is random, so the loss cannot fall much further.
  expect(ours.at(-1)!).toBeLessThan(0.8 * ours[0]);
  await backend.dispose();
});

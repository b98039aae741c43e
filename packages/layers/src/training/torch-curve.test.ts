import ts from '@heed/backend-ts';
import { expect, test } from 'vitest';
import { SmallTransformer } from '../test/small-transformer.ts';
import { torchCurve } from '../test/torch-curve.ts';

const { source, learningRate, size, losses } = torchCurve('small');

test(`${source}: the loss of ${losses.length} steps in float64, from the same weights`, async () => {
  const backend = await ts.create();
  const model = new SmallTransformer(size, learningRate);
  expect(losses.at(-1)).toBeLessThan(0.75 * losses[0]!);
  for (const [step, expected] of losses.entries()) {
    expect(Math.abs((await model.step(backend, step)) - expected), `step ${step}`).toBeLessThan(1e-4);
  }
});

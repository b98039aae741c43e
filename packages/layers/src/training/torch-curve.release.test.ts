import ts from '@heed/backend-ts';
import { expect, test } from 'vitest';
import { SmallTransformer } from '../test/small-transformer.ts';
import { torchCurve } from '../test/torch-curve.ts';

const { source, learningRate, size, losses } = torchCurve('whole');
/** Each takes seconds. */
const STEPS = 4;

test(`${source}: four layers of width 256, the loss of ${STEPS} steps in float64`, async () => {
  const backend = await ts.create();
  const model = new SmallTransformer(size, learningRate);
  for (const [step, expected] of losses.slice(0, STEPS).entries()) {
    expect(Math.abs((await model.step(backend, step)) - expected), `step ${step}`).toBeLessThan(1e-4);
  }
});

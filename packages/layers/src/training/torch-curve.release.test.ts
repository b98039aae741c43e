import ts from '@heed/backend-ts';
import { expect, test } from 'vitest';
import { readCases } from '../test/captures.ts';
import { SmallTransformer, type TrainingSize } from '../test/small-transformer.ts';

interface Curve {
  readonly name: string;
  readonly size: TrainingSize;
  readonly losses: readonly number[];
}

const { source, learningRate, cases } = readCases<{
  readonly source: string;
  readonly learningRate: number;
  readonly cases: readonly Curve[];
}>('torch-training');

const { size, losses } = cases.find(({ name }) => name === 'whole')!;
/** Each takes seconds. */
const STEPS = 8;

test(`${source}: four layers of width 256, the loss of ${STEPS} steps in float64`, async () => {
  const backend = await ts.create();
  const model = new SmallTransformer(size, learningRate);
  for (const [step, expected] of losses.slice(0, STEPS).entries()) {
    expect(Math.abs((await model.step(backend, step)) - expected), `step ${step}`).toBeLessThan(1e-4);
  }
});

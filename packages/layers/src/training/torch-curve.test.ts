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

const { size, losses } = cases.find(({ name }) => name === 'small')!;

test(`${source}: the loss of ${losses.length} steps in float64, from the same weights`, async () => {
  const backend = await ts.create();
  const model = new SmallTransformer(size, learningRate);
  expect(losses.at(-1)).toBeLessThan(0.75 * losses[0]!);
  for (const [step, expected] of losses.entries()) {
    expect(Math.abs((await model.step(backend, step)) - expected), `step ${step}`).toBeLessThan(1e-4);
  }
});

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type AttentionGradients,
  type AttentionRequest,
  HeedError,
  type Tensor,
  attention,
  tensor,
} from '../index.ts';
import { SOFT_FEATURES, numbersFrom, recipes, requestOf } from '../test/random-request.ts';
import reference from './index.ts';

const backend = await reference.create();
const STEP = 1e-5;

/** Σ dOutput · output: a loss whose gradient with respect to the output is dOutput. */
async function lossOf(request: AttentionRequest<Tensor>, dOutput: Tensor): Promise<number> {
  const { output } = await attention(backend, { ...request, output: true, gradient: false });
  return Array.from(output.data).reduce((sum, o, at) => sum + o * dOutput.data[at]!, 0);
}

/** Central differences of the loss along each number of one input; 0 for one that is −∞. */
async function differences(
  request: AttentionRequest<Tensor>,
  name: 'query' | 'key' | 'value' | 'bias' | 'sinks',
  dOutput: Tensor,
): Promise<number[]> {
  const input = request[name] as Tensor<'float64'>;
  const lossAt = (at: number, step: number): Promise<number> => {
    const data = input.data.slice();
    data[at]! += step;
    return lossOf({ ...request, [name]: { ...input, data } }, dOutput);
  };
  const result: number[] = [];
  for (let at = 0; at < input.data.length; at++) {
    if (input.data[at] === -Infinity) result.push(0);
    else result.push(((await lossAt(at, STEP)) - (await lossAt(at, -STEP))) / (2 * STEP));
  }
  return result;
}

async function gradientsOf(request: AttentionRequest<Tensor>, dOutput: Tensor): Promise<AttentionGradients> {
  const { gradient } = await attention(backend, { ...request, gradient: true });
  return gradient(dOutput);
}

function dOutputFor(request: AttentionRequest<Tensor>, seed: number): Tensor {
  const shape = [...request.query.shape.slice(0, 3), request.value!.shape[3]!];
  const next = numbersFrom(seed);
  return tensor(
    Float64Array.from({ length: shape.reduce((a, b) => a * b) }, () => next()),
    shape,
  );
}

/** The largest error of any gradient; infinite if one is missing, superfluous or has the wrong shape. */
async function gradientError(request: AttentionRequest<Tensor>, seed: number): Promise<number> {
  const dOutput = dOutputFor(request, seed);
  const { dQuery, dKey, dValue, dBias, dSinks } = await gradientsOf(request, dOutput);
  const gradients = { query: dQuery, key: dKey, value: dValue, bias: dBias, sinks: dSinks };
  let error = 0;
  for (const name of ['query', 'key', 'value', 'bias', 'sinks'] as const) {
    const gradient = gradients[name];
    if (gradient?.shape.join() !== request[name]?.shape.join()) return Infinity;
    if (gradient === undefined) continue;
    const expected = await differences(request, name, dOutput);
    expected.forEach((right, at) => {
      error = Math.max(error, Math.abs(right - gradient.data[at]!));
    });
  }
  return error;
}

// fast-check prints the seed, and the smallest failing recipe, of a property that does not hold.
describe('gradients are the central differences of the forward pass', () => {
  test.each(SOFT_FEATURES)('%s, with any others', async (feature) => {
    await fc.assert(
      fc.asyncProperty(recipes([feature]), async (recipe) => {
        expect(await gradientError(requestOf(recipe), recipe.seed + 1)).toBeLessThan(1e-7);
      }),
      { numRuns: 25 },
    );
  });
});

describe('hard attention', () => {
  test.each(['argmax', 'sample'] as const)('%s has no gradient, and says so', async (selection) => {
    const x = tensor(new Float64Array([1, 2]), [1, 1, 2, 1]);
    const request = { query: x, key: x, value: x, selection, gradient: true as const };
    const error = await attention(backend, request).catch((caught: unknown) => caught);
    expect(HeedError.isInstance(error) && error.code).toBe('NOT_DIFFERENTIABLE');
  });
});

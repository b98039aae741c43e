import type { Tensor } from '@heed/core';
import { zeros } from '@heed/core/backend';
import { expect } from 'vitest';
import { seededRandom } from '../random.ts';
import { type FloatTensor } from '../tensors.ts';

/** Random numbers in [−1, 1), float64. */
export function randomTensor(shape: readonly number[], seed: number): FloatTensor {
  const random = seededRandom(seed);
  const result = zeros('float64', shape);
  for (let n = 0; n < result.data.length; n++) result.data[n] = 2 * random() - 1;
  return result;
}

export function dot(a: FloatTensor, b: FloatTensor): number {
  return (a.data as Float64Array).reduce((sum, value, n) => sum + value * b.data[n], 0);
}

const STEP = 1e-5;
/** Number of elements of a tensor that are tried, evenly spaced: enough to catch a wrong row, column or head. */
const TRIED = 24;

/**
 * Expects gradients to equal central differences of the loss, in float64. Their own error is about STEP² times
 * the third derivative, and 1e-16 / STEP from rounding: well under the tolerance.
 */
export async function expectGradients(
  loss: () => Promise<number>,
  tensors: Readonly<Record<string, FloatTensor>>,
  gradients: Readonly<Record<string, Tensor | undefined>>,
): Promise<void> {
  expect(Object.keys(gradients).sort()).toEqual(Object.keys(tensors).sort());
  for (const [name, { data, shape }] of Object.entries(tensors)) {
    expect(gradients[name]!.shape, name).toEqual(shape);
    const stride = Math.max(1, Math.floor(data.length / TRIED));
    for (let n = 0; n < data.length; n += stride) {
      const before = data[n];
      data[n] = before + STEP;
      const above = await loss();
      data[n] = before - STEP;
      const below = await loss();
      data[n] = before;
      const difference = (above - below) / (2 * STEP);
      const error = Math.abs(gradients[name]!.data[n] - difference) / Math.max(1, Math.abs(difference));
      expect(error, `${name}[${n}]: ${gradients[name]!.data[n]}, by differences ${difference}`).toBeLessThan(
        1e-7,
      );
    }
  }
}

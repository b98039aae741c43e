import type { FloatDType } from '@heed/core';
import { zeros } from '@heed/core/backend';
import { type FloatTensor } from './tensors.ts';

/**
 * The trainable tensors of a layer by name, or gradients for them. Plain tensors: read them, write to their `data`,
 * save them. An optimiser changes them in place.
 */
export type NamedTensors = Readonly<Record<string, FloatTensor>>;

/** Uniform within ±limit. */
export function initialUniform(
  dtype: FloatDType,
  shape: readonly number[],
  limit: number,
  random: () => number,
): FloatTensor {
  const result = zeros(dtype, shape);
  for (let n = 0; n < result.data.length; n++) result.data[n] = limit * (2 * random() - 1);
  return result;
}

/**
 * Uniform within ±√(6 / (in + out)) for a weight `[out, in]` (Glorot and Bengio, "Understanding the difficulty of
 * training deep feedforward neural networks", AISTATS 2010, section 4.2.1).
 */
export function initialGlorot(
  dtype: FloatDType,
  [outputs, inputs]: readonly [number, number],
  random: () => number,
): FloatTensor {
  return initialUniform(dtype, [outputs, inputs], Math.sqrt(6 / (inputs + outputs)), random);
}

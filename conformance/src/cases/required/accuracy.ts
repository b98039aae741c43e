import type { Tensor } from '@heed/core';
import type { ConformanceCase } from '../../case.ts';
import { type Sketch, dOutputOf } from '../../sketch.ts';
import { agreement, agreements } from '../building/agreement.ts';
import type { Purposes } from '../building/purposes.ts';

export const accuracyPurposes: Purposes = {
  accuracy: 'Long sums stay within the bound, whatever the order in which the engine adds.',
  'accuracy/head-size-128': 'Long dot products stay within the bound.',
  'accuracy/many-keys': 'Sums over 4,000 keys stay within the bound.',
  'accuracy/many-keys-flat': '4,000 weights of about the same size sum within the bound.',
  'accuracy/many-keys-peaked': '4,000 keys of which few count sum within the bound.',
  'accuracy/all-outputs': 'Weights, logarithm and statistics stay within the bound of their own.',
  'accuracy/gradient': 'Gradients over many queries or keys stay within the bound.',
  'accuracy/values-that-cancel': 'In float64 values that cancel leave the small difference of their weights.',
  'accuracy/one-key-above':
    'One key far above thousands of others leaves no room in the bound for a wrong factor.',
  'accuracy/gradient/one-key-above':
    'One key far above thousands of others leaves no room in the bound of a gradient.',
  'accuracy/gradient/one-row-above':
    'One row far above thousands of others leaves no room in the bound of a gradient.',
};

const ALL_OUTPUTS = ['output', 'weights', 'logSumExp', 'statistics'] as const;

/**
 * One key 30 above all others takes all weight but e^−30 each. In any order of the sums, the others are exact or lost as a
 * whole: however many they are, the naive computation is right to the last digits, and so must a backend be.
 */
function oneKeyAbove(name: string, keyLength: number, dominant: number, gradient = false): ConformanceCase {
  const sketch: Sketch = {
    ...{ batch: 1, heads: 1, queryLength: 2, keyLength, headDim: 4, spread: 0.1, scale: 1 },
    ...(gradient ? { gradient } : { outputs: ALL_OUTPUTS }),
  };
  return agreement('accuracy', name, sketch, (request) => {
    const [query, key] = [request.query as Tensor, request.key as Tensor];
    for (let n = 0; n < query.data.length; n += 4) query.data[n] = 1;
    for (let n = 0; n < key.data.length; n += 4) key.data[n] = n / 4 === dominant ? 30 : 0;
    return request;
  });
}

/** The same for sums over rows: the last row's gradient is 2³⁰ times that of the others. */
function oneRowAbove(): ConformanceCase {
  const sketch: Sketch = {
    ...{ batch: 1, heads: 1, queryLength: 65_536, keyLength: 2, headDim: 2, alignment: 'topLeft' },
    gradient: true,
  };
  const theCase = agreement('accuracy', 'gradient/one-row-above/65536', sketch);
  return {
    ...theCase,
    dOutput() {
      const dOutput = dOutputOf(sketch, theCase.id);
      const last = dOutput.data.length - 2;
      for (const n of [last, last + 1]) dOutput.data[n] = 2 ** 30;
      return dOutput;
    },
  };
}

/** Larger sums, where an engine's own order of operations shows most. */
export function accuracyCases(): ConformanceCase[] {
  const one = { batch: 1, heads: 2 } as const;
  const nearlyEqual = agreement(
    'accuracy',
    'values-that-cancel',
    { batch: 1, heads: 1, queryLength: 1, keyLength: 2, headDim: 1, scale: 1, dtype: 'float64' },
    (request) => {
      (request.query as Tensor).data.set([1]);
      (request.key as Tensor).data.set([0, -0.00135]);
      (request.value as Tensor).data.set([1000, -1000]);
      return request;
    },
  );
  const sums = agreements('accuracy', {
    control: { ...one, queryLength: 64, headDim: 32 },
    'head-size-128': { ...one, queryLength: 33, headDim: 128 },
    'many-keys': { ...one, queryLength: 2, keyLength: 4000, headDim: 16 },
    'many-keys-flat': { ...one, queryLength: 2, keyLength: 4000, headDim: 16, spread: 0.01 },
    'many-keys-peaked': { ...one, queryLength: 2, keyLength: 4000, headDim: 16, spread: 8 },
    'square-200': { ...one, queryLength: 200, headDim: 16 },
    'square-130-peaked': { ...one, queryLength: 130, headDim: 64, spread: 4 },
    'all-outputs': { ...one, queryLength: 64, outputs: ALL_OUTPUTS },
    'gradient/square-64': { ...one, queryLength: 64, headDim: 16, gradient: true },
    'gradient/square-130-peaked': { ...one, queryLength: 130, headDim: 8, spread: 4, gradient: true },
    'gradient/many-keys': { ...one, queryLength: 2, keyLength: 1000, headDim: 8, gradient: true },
    'gradient/many-queries': { ...one, queryLength: 1000, keyLength: 2, headDim: 8, gradient: true },
  });
  return [
    ...sums,
    nearlyEqual,
    oneKeyAbove('one-key-above/last-of-4096', 4096, 4095),
    oneKeyAbove('one-key-above/first-of-4096', 4096, 0),
    oneKeyAbove('one-key-above/last-of-65536', 65_536, 65_535),
    oneKeyAbove('gradient/one-key-above/last-of-4096', 4096, 4095, true),
    oneKeyAbove('gradient/one-key-above/last-of-65536', 65_536, 65_535, true),
    oneRowAbove(),
  ];
}

import {
  type AttentionProblem,
  type BroadcastShape,
  type FloatDType,
  type GradientInputs,
  type Origin,
  type Tensor,
  cast,
} from '@heed/core';
import { dropoutOf, gumbelNoise, integerAt } from '@heed/core/backend';

/** Place of a row of scores. */
export type Place = readonly [b: number, h: number, i: number];

/** Terms of a score. Terms that the problem does not have are 0; the softcap is null. */
export interface ScoreTerms {
  readonly product: number;
  readonly scale: number;
  readonly softcap: number | null;
  readonly bias: number;
  readonly slope: number;
  /** Position of the query row among the keys. */
  readonly position: number;
  readonly key: number;
  readonly mask: number;
}

/** Terms of the gradient of a score. */
export interface GradientTerms {
  readonly weight: number;
  readonly dWeight: number;
  /** Σ weight · dWeight over the row. */
  readonly mean: number;
}

/**
 * Attention in steps, each a separate, correct function. A test replaces one of them to get a backend with
 * one fault.
 */
export const STEPS = {
  scale: (problem: AttentionProblem): number => problem.scale,
  /** The key/value head that query head h reads. */
  kvHead: (h: number, { heads, kvHeads }: AttentionProblem): number => Math.floor(h / (heads / kvHeads)),
  /** The batch element whose keys element b reads. */
  kvBatch: (b: number, { batch, kvBatch }: AttentionProblem): number => (kvBatch === batch ? b : 0),
  /** The page of a column of the block table. */
  page: (table: Int32Array, b: number, columns: number, column: number): number =>
    table[b * columns + column]!,
  /** The row of key j in its page. */
  placeInPage: (j: number, size: number): number => j % size,
  /** Returns whether the keys of a page exist. */
  pageExists: (page: number): boolean => page !== -1,
  /** The place of key j in a ring. */
  placeInRing: (j: number, capacity: number): number => j % capacity,
  /** The first key that is still in a ring. */
  oldestInRing: (length: number, capacity: number): number => Math.max(0, length - capacity),
  /** The start of values in the rows of keys. */
  valueStart: ({ valueFromKey }: AttentionProblem): number => valueFromKey!.start,
  /** The place of a row and of key 0 in the noise of a larger problem. */
  origin: (origin: Origin | undefined): Origin => origin ?? { batch: 0, head: 0, query: 0, key: 0 },
  /** Integer n of quantized keys or values. */
  integer: (stored: Tensor, n: number): number => integerAt(stored, n),
  /** The scale of integer n. */
  scaleAt: (scales: Float32Array, n: number, group: number, _depth: number): number =>
    scales[Math.floor(n / group)]!,
  /** One past the last key to read. */
  keyEnd: (keyLength: number): number => keyLength,
  depthOfDot: ({ headDim }: AttentionProblem): number => headDim,
  depthOfValue: ({ valueDim }: AttentionProblem): number => valueDim,
  /** Start of a head's row in a tensor of either layout. */
  rowStart: (
    layout: 'bhld' | 'blhd',
    [b, h, l]: Place,
    [heads, length, depth]: readonly [number, number, number],
  ): number => (layout === 'bhld' ? (b * heads + h) * length + l : (b * length + l) * heads + h) * depth,

  topLeft: (_problem: AttentionProblem): number => 0,
  bottomRight: (keyLength: number, queryLength: number, _problem: AttentionProblem): number =>
    keyLength - queryLength,
  offset: (offsets: Int32Array, b: number): number => offsets[b]!,
  causal: (key: number, position: number): boolean => key <= position,
  windowLeft: (key: number, position: number, left: number, _i: number): boolean => key >= position - left,
  windowRight: (key: number, position: number, right: number, _i: number): boolean => key <= position + right,
  withinKeys: (key: number, length: number): boolean => key < length,
  pastStart: (key: number, start: number): boolean => key >= start,
  withinQueries: (i: number, length: number): boolean => i < length,
  sameSegment: (query: number, key: number, _i: number, _j: number): boolean => query === key,
  /** The element of a mask or bias for a pair. */
  broadcast: (shape: BroadcastShape, at: readonly [number, number, number, number]): number =>
    shape.reduce((index, length, axis) => index * length + (length === 1 ? 0 : at[axis]!), 0),
  maskAllows: (value: number): boolean => value !== 0,
  termAllows: (value: number): boolean => value !== -Infinity,

  score: (t: ScoreTerms): number => {
    const scaled = t.scale * t.product;
    const capped =
      t.softcap === null || !Number.isFinite(scaled) ? scaled : t.softcap * Math.tanh(scaled / t.softcap);
    return capped + t.bias - t.slope * Math.abs(t.position - t.key) + t.mask;
  },
  roundScore: (score: number, dtype: FloatDType): number =>
    dtype === 'float64' ? score : Math.fround(score),
  /** A score, and a weight, as the softmax and the output take it: of 16-bit problems in float32. */
  keptScore: (score: number, _dtype: FloatDType): number => score,
  keptWeight: (weight: number, _dtype: FloatDType): number => weight,
  addToOutput: (sum: number, term: number, _dtype: FloatDType): number => sum + term,
  /** Rounds a float32 result to the problem's type. */
  roundResult: (result: Tensor, dtype: FloatDType): Tensor => cast(result, dtype),
  /** Result for a sum of finite terms that rounds to −∞; −∞ excludes. */
  overflowedScore: (): number => -Infinity,
  /** Number to subtract before the exponential. */
  maximum: (scores: readonly number[], sink: number): number => scores.reduce((a, b) => Math.max(a, b), sink),
  exponential: (score: number, max: number): number => Math.exp(score - max),
  sinkTerm: (sink: number, max: number): number => (sink === -Infinity ? 0 : Math.exp(sink - max)),
  sinkInMaximum: (sink: number): number => sink,
  normalize: (exponential: number, sum: number): number => exponential / sum,
  /** Returns whether a key of this weight is read. */
  counts: (_weight: number): boolean => true,
  /** Contribution of a sink to the output; it has no value. */
  sinkValue: (_weight: number): number => 0,
  emptyOutput: (): number => 0,
  logSumExp: (max: number, sum: number): number => (sum === 0 ? -Infinity : max + Math.log(sum)),

  /** Index of the chosen candidate. */
  choose: (candidates: readonly number[]): number =>
    // A NaN is chosen, so that it shows.
    candidates.some(Number.isNaN)
      ? candidates.findIndex(Number.isNaN)
      : candidates.indexOf(Math.max(...candidates)),
  noise: (seed: number, place: Place, key: number): number => gumbelNoise(seed, ...place, key),
  emptyChoice: (): number => -1,

  /** Factor of a weight that dropout drops or keeps. */
  kept: (probability: number, seed: number, place: Place, key: number): number =>
    dropoutOf({ dropout: probability }, { seed })!.kept(...place, key),
  /** The same in the gradient; null for that of the forward run. */
  keptInGradient: (_probability: number, _seed: number, _place: Place, _key: number): number | null => null,
  /** Returns whether the value of a dropped key is read. */
  readsDropped: (): boolean => true,
  /** Factor of a term of the row sum. */
  keptInSum: (_kept: number): number => 1,
  /** Factor of a weight that is returned. */
  keptInWeights: (_kept: number): number => 1,
  /** Factor of the gradient of a weight, and of a weight in the gradient of a value. */
  keptInDWeight: (kept: number): number => kept,
  keptInDValue: (kept: number): number => kept,

  /** The output over all keys, if those of the problem are a part of them: the mean of a row is then of it. */
  outputOfWhole: ({ isPart, output }: GradientInputs<Tensor>): Tensor | null => (isPart ? output : null),
  dScore: ({ weight, dWeight, mean }: GradientTerms): number => weight * (dWeight - mean),
  dSoftcap: (dScore: number, saturation: number): number => dScore * (1 - saturation * saturation),
  dProduct: (dScore: number, scale: number): number => dScore * scale,
  dSink: (sinkWeight: number, mean: number): number => -sinkWeight * mean,
  /** Adds to the gradient of an element that several rows share. */
  addToBias: (data: Float32Array | Float64Array, at: number, number: number): void => {
    data[at]! += number;
  },
  addToSinks: (data: Float32Array | Float64Array, at: number, number: number): void => {
    data[at]! += number;
  },
  addToKey: (data: Float32Array | Float64Array, at: number, number: number): void => {
    data[at]! += number;
  },
};

export type Steps = typeof STEPS;

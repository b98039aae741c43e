import type { AttentionInputs, AttentionProblem } from '@heed/core';
import type { VisibleKeys } from '@heed/core/backend';
import type { Tensor as TfTensor } from '@tensorflow/tfjs-node';
import type { Engine } from '../platform/engine.ts';
import { isPlain } from './finite.ts';
import type { Native } from '../memory/memory.ts';
import { type Tile, lengthOf } from '../plan/tiles.ts';

/** exp(±SMALL) is far from the ends of float32, also when a million of them are summed and multiply values up to 1e19. */
const SMALL = 30;

/** The minimum of the squares that float32 has, and TensorFlow with it: smaller ones are 0. */
const MINIMUM_SQUARE = 2 ** -126;

/** Rows of a tile, `[B, Hq, Lq, 1]` as booleans unless all are alike. */
export type SomeRows = 'all' | 'none' | TfTensor;

/**
 * The rows of a run of which no score is higher than exp can take as it is. Their softmax needs neither the maximum of
 * the row nor its subtraction, two of five passes over the scores, and can be summed up part by part.
 * |q · k| ≤ |q| |k| (Cauchy and Schwarz): the row's query and the longest key that it may attend to are enough to know.
 * NaN and infinities are never small.
 *
 * Other rows and excluded keys do not decide how a row is computed, or they would change its bits.
 */
export class SmallScores {
  readonly #engine: Engine;
  readonly #problem: AttentionProblem;
  readonly #visible: VisibleKeys;
  /** |q|² `[B, Hq, Lq]`. */
  readonly #queries: Float32Array;
  /** The maximum |k|² of a key and those before it, `[B, Hkv, Lk]`. */
  readonly #keys: Float32Array;
  /** True if every number of queries and keys is known to be finite. */
  readonly isFinite: boolean;

  /** @param inputs query and key as `[B, H, L, D]`. */
  constructor(
    engine: Engine,
    problem: AttentionProblem,
    { query, key }: AttentionInputs<Native>,
    visible: VisibleKeys,
  ) {
    this.#engine = engine;
    this.#problem = problem;
    this.#visible = visible;
    const [queries, keys] = squaredLengths(engine, [query, key]) as [Float32Array, Float32Array];
    this.#queries = queries;
    this.#keys = maximumSoFar(keys, problem.keyLength);
    this.isFinite = areAllFinite(queries) && areAllFinite(keys);
  }

  rowsOf({ batches, kvHeads, rows }: Tile): SomeRows {
    const {
      batch,
      kvBatch,
      heads,
      kvHeads: allKvHeads,
      queryLength,
      keyLength,
      headDim,
      scale,
    } = this.#problem;
    const headGroup = heads / allKvHeads;
    const [from, to] = [kvHeads.start * headGroup, kvHeads.end * headGroup];
    const limit = (SMALL / scale) ** 2;
    const lost = headDim * MINIMUM_SQUARE;
    const small = new Uint8Array(lengthOf(batches) * (to - from) * lengthOf(rows));
    let [at, count] = [0, 0];
    for (let b = batches.start; b < batches.end; b++) {
      for (let h = from; h < to; h++) {
        const queries = (b * heads + h) * queryLength;
        const keys = ((kvBatch === batch ? b : 0) * allKvHeads + Math.floor(h / headGroup)) * keyLength;
        for (let i = rows.start; i < rows.end; i++, at++) {
          const end = this.#visible.end(b, i);
          // An empty row has no score at all.
          const square =
            end > 0 ? (this.#queries[queries + i]! + lost) * (this.#keys[keys + end - 1]! + lost) : 0;
          small[at] = square <= limit ? 1 : 0;
          count += small[at]!;
        }
      }
    }
    if (count === at) return 'all';
    if (count === 0) return 'none';
    return this.#engine.tf.tensor(small, [lengthOf(batches), to - from, lengthOf(rows), 1], 'bool');
  }
}

/** Returns whether it pays to look for {@link SmallScores} in a problem. */
export function mayHaveSmallScores(problem: AttentionProblem): boolean {
  const { window, lengths, outputs } = problem;
  const beginsAtKey0 = window === null && !lengths.keyStart;
  return isPlain(problem) && beginsAtKey0 && outputs.join() === 'output' && isWorthwhile(problem);
}

/** Returns whether the scores are many more than queries and keys, which the search passes over a few times. */
function isWorthwhile({ queryLength, keyLength, headDim }: AttentionProblem): boolean {
  return queryLength * keyLength >= 4 * (queryLength + keyLength) * headDim;
}

function maximumSoFar(numbers: Float32Array, length: number): Float32Array {
  const maxima = new Float32Array(numbers.length);
  for (let start = 0; start < numbers.length; start += length) {
    let maximum = 0;
    // Math.max keeps a NaN.
    for (let n = start; n < start + length; n++) maxima[n] = maximum = Math.max(maximum, numbers[n]!);
  }
  return maxima;
}

/** Six times as fast as testing each number. */
function areAllFinite(numbers: Float32Array): boolean {
  let nothing = 0;
  for (let n = 0; n < numbers.length; n++) nothing += numbers[n]! - numbers[n]!;
  return nothing === 0;
}

/** Findings by the data. TensorFlow's tensors are immutable, so they stay true. */
const found = new WeakMap<object, Float32Array>();

/** The squared Euclidean length of each row of each tensor, remembered. */
function squaredLengths({ tf, compute }: Engine, tensors: readonly Native[]): Float32Array[] {
  for (const tensor of tensors) {
    if (found.has(tensor.dataId)) continue;
    compute(() => {
      found.set(tensor.dataId, tf.sum(tf.square(tensor), -1).dataSync<'float32'>());
      return {};
    });
  }
  return tensors.map(({ dataId }) => found.get(dataId)!);
}

import type { Tensor } from '@heed/core';
import type { AlignmentHead } from '../config.ts';

/** Places that a median is taken of. */
const MEDIAN = 7;

/**
 * Attention of each token to each place of the sound: weights of the alignment heads, each normalized over the tokens, smoothed
 * by a median of seven places, and averaged.
 *
 * @param layers `[1, H, L, positions]` of each layer.
 * @param places those of the window that the sound fills.
 * @returns `[L, places]`.
 */
export function alignmentMatrix(
  layers: ReadonlyMap<number, Tensor<'float32'>>,
  heads: readonly AlignmentHead[],
  places: number,
): Float32Array {
  const [, , tokens, positions] = layers.get(heads[0]![0])!.shape as [number, number, number, number];
  const result = new Float32Array(tokens * places);
  const weights = new Float64Array(tokens * places);
  const smooth = new Float64Array(places);
  for (const [layer, head] of heads) {
    const { data } = layers.get(layer)!;
    for (let i = 0; i < tokens; i++) {
      const from = (head * tokens + i) * positions;
      // The softmax over these places alone.
      let sum = 0;
      for (let j = 0; j < places; j++) sum += data[from + j];
      for (let j = 0; j < places; j++) weights[i * places + j] = data[from + j] / sum;
    }
    normalize(weights, tokens, places);
    for (let i = 0; i < tokens; i++) {
      medians(weights.subarray(i * places, (i + 1) * places), smooth);
      for (let j = 0; j < places; j++) result[i * places + j] += smooth[j] / heads.length;
    }
  }
  return result;
}

/** Each column to mean 0 and variance 1. */
function normalize(weights: Float64Array, rows: number, columns: number): void {
  for (let j = 0; j < columns; j++) {
    let [sum, squares] = [0, 0];
    for (let i = 0; i < rows; i++) sum += weights[i * columns + j];
    const mean = sum / rows;
    for (let i = 0; i < rows; i++) squares += (weights[i * columns + j] - mean) ** 2;
    const deviation = Math.sqrt(squares / rows);
    for (let i = 0; i < rows; i++) {
      const at = i * columns + j;
      weights[at] = deviation === 0 ? 0 : (weights[at] - mean) / deviation;
    }
  }
}

/** The median of the places around each; the row is reflected at its ends. */
export function medians(row: Float64Array, into: Float64Array): void {
  const { length } = row;
  const reach = (MEDIAN - 1) / 2;
  if (length <= reach) {
    into.set(row);
    return;
  }
  const part = new Float64Array(MEDIAN);
  for (let j = 0; j < length; j++) {
    for (let n = 0; n < MEDIAN; n++) {
      const at = Math.abs(j + n - reach);
      part[n] = row[at < length ? at : 2 * (length - 1) - at];
    }
    into[j] = part.sort()[reach];
  }
}

import { type AttentionBackend, HeedError } from '@heed/core';
import { zeros } from '@heed/core/backend';
import { attendScores } from './attend-scores.ts';
import type { ForwardOptions } from './attend.ts';
import { linear, linearGradient } from './matrix/linear.ts';
import { type PlainScope, checkKeyMask } from './masks.ts';
import type { PairAttention, PairScore } from './pair-scores.ts';
import type { NamedTensors } from './parameters.ts';
import { type FloatTensor, reshape } from './tensors.ts';

/** A key in a query's window. */
interface Slot {
  /** The query's index among all rows of all batches, and the key's. */
  readonly row: number;
  readonly keyRow: number;
  /** s − p_t. */
  readonly distance: number;
  /** Index in `[B · Lq, 2D + 1]`. */
  readonly index: number;
}

/**
 * Local-p (Luong et al. 2015, section 3.2): each query attends to the keys at most D from a position that it predicts,
 * and a Gaussian around that position multiplies the weights. The windows are gathered into `[B · Lq, 2D + 1]` scores;
 * the backend turns them into weights by attention to the rows of an identity matrix.
 *
 * @param scope as {@link checkPredictedScope} has passed it.
 */
export async function attendPredicted(
  backend: AttentionBackend,
  query: FloatTensor,
  value: FloatTensor,
  pairsOf: () => PairScore,
  parameters: NamedTensors,
  halfWidth: number,
  scope: PlainScope,
  options: ForwardOptions,
): Promise<PairAttention> {
  const [batch, queries] = query.shape;
  const [, keys, width] = value.shape;
  const rows = batch * queries;
  const slotsPerRow = 2 * halfWidth + 1;
  const lengths = lengthsOf(scope, batch, keys);
  const prediction = predict(query, parameters, lengths);
  const slots = slotsOf(prediction.positions, queries, keys, halfWidth, scope, lengths);

  const pairs = pairsOf();
  const scores = zeros(query.dtype, [rows, 1, 1, slotsPerRow]);
  const mask = new Uint8Array(rows * slotsPerRow);
  for (const { row, keyRow, index } of slots) {
    scores.data[index] = pairs.score(row, keyRow);
    mask[index] = 1;
  }
  const attended = await attendScores(
    backend,
    scores,
    identities(query.dtype, rows, slotsPerRow),
    { mask: { dtype: 'bool', shape: scores.shape, data: mask } },
    { ...options, weights: false },
  );

  const variance = (halfWidth / 2) ** 2;
  const gaussian = ({ distance }: Slot): number => Math.exp(-(distance ** 2) / (2 * variance));
  const output = zeros(query.dtype, [batch, queries, width]);
  const weights = zeros(query.dtype, options.weights ? [batch, 1, queries, keys] : [0]);
  for (const slot of slots) {
    const weight = attended.output.data[slot.index] * gaussian(slot);
    if (options.weights) weights.data[slot.row * keys + (slot.keyRow % keys)] = weight;
    for (let e = 0; e < width; e++) {
      output.data[slot.row * width + e] += weight * value.data[slot.keyRow * width + e];
    }
  }

  return {
    output,
    weights,
    async gradient(dOutput) {
      const dValue = zeros(value.dtype, value.shape);
      const dPositions = new Float64Array(rows);
      const dSoftmax = zeros(query.dtype, [rows, 1, slotsPerRow]);
      for (const slot of slots) {
        const softmax = attended.output.data[slot.index];
        const factor = gaussian(slot);
        let dWeight = 0;
        for (let e = 0; e < width; e++) {
          const d = dOutput.data[slot.row * width + e];
          dWeight += d * value.data[slot.keyRow * width + e];
          dValue.data[slot.keyRow * width + e] += softmax * factor * d;
        }
        dSoftmax.data[slot.index] = factor * dWeight;
        dPositions[slot.row] += (softmax * dWeight * factor * slot.distance) / variance;
      }
      const { dScores } = await attended.gradient(dSoftmax);
      const { dQuery, dKey, dVector, addGradient } = pairsOf();
      for (const { row, keyRow, index } of slots) addGradient(row, keyRow, dScores.data[index]);
      return { dQuery, dKey, dVector, dValue, predicted: prediction.gradient(dPositions) };
    },
  };
}

/** @throws HeedError `ARGUMENT`, `SHAPE` or `DTYPE`. */
export function checkPredictedScope(scope: PlainScope, batch: number, keys: number): void {
  const { keyLengths: _, keyMask, ...others } = scope;
  if (keyMask !== undefined) checkKeyMask(keyMask, batch, keys);
  lengthsOf(scope, batch, keys);
  const given = Object.entries(others).filter(([, value]) => value !== undefined && value !== null);
  if (given.length === 0) return;
  throw new HeedError('ARGUMENT', `local-p does not take ${given.map(([name]) => name).join(', ')}`, {
    clause: 'window',
    remedy: 'use keyMask or keyLengths, or another kind of locality',
  });
}

function lengthsOf({ keyLengths }: PlainScope, batch: number, keys: number): readonly number[] {
  const given = keyLengths && ('data' in keyLengths ? [...keyLengths.data] : keyLengths);
  if (given && (given.length !== batch || given.some((length) => !(length >= 0 && length <= keys)))) {
    throw new HeedError(
      'ARGUMENT',
      `keyLengths is ${given.join(', ')}; expected B=${batch} numbers from 0 to Lk=${keys}`,
      { clause: 'lengths', remedy: 'give the count of keys of each batch element in that range' },
    );
  }
  return given ?? Array.from({ length: batch }, () => keys);
}

/** p_t = S · sigmoid(v_pᵀ tanh(W_p h_t)) for every query row, and the way back. */
function predict(
  query: FloatTensor,
  { 'position.weight': weight, 'position.score': vector }: NamedTensors,
  lengths: readonly number[],
): {
  readonly positions: Float64Array;
  gradient(dPositions: Float64Array): { readonly dQuery: FloatTensor; readonly parameters: NamedTensors };
} {
  const [, queries, width] = query.shape;
  const hidden = linear(query, weight);
  hidden.data.forEach((value: number, n: number) => (hidden.data[n] = Math.tanh(value)));
  const rows = hidden.data.length / width;
  const sigmoids = Float64Array.from({ length: rows }, (_, row) => {
    let logit = 0;
    for (let e = 0; e < width; e++) logit += vector.data[e] * hidden.data[row * width + e];
    return 1 / (1 + Math.exp(-logit));
  });
  return {
    positions: sigmoids.map((sigmoid, row) => lengths[Math.floor(row / queries)] * sigmoid),
    gradient(dPositions) {
      const dHidden = zeros(hidden.dtype, hidden.shape);
      const dVector = zeros(vector.dtype, vector.shape);
      dPositions.forEach((dPosition, row) => {
        const sigmoid = sigmoids[row];
        const dLogit = dPosition * lengths[Math.floor(row / queries)] * sigmoid * (1 - sigmoid);
        for (let e = 0; e < width; e++) {
          const t = hidden.data[row * width + e];
          dVector.data[e] += dLogit * t;
          dHidden.data[row * width + e] = dLogit * vector.data[e] * (1 - t * t);
        }
      });
      const { dInput, dWeight } = linearGradient(query, weight, dHidden);
      return { dQuery: dInput, parameters: { 'position.weight': dWeight, 'position.score': dVector } };
    },
  };
}

function slotsOf(
  positions: Float64Array,
  queries: number,
  keys: number,
  halfWidth: number,
  { keyMask }: PlainScope,
  lengths: readonly number[],
): Slot[] {
  const slots: Slot[] = [];
  positions.forEach((position, row) => {
    const b = Math.floor(row / queries);
    const first = Math.ceil(position - halfWidth);
    for (let s = Math.max(0, first); s <= position + halfWidth && s < lengths[b]; s++) {
      const keyRow = b * keys + s;
      if (keyMask?.data[keyRow] === 0) continue;
      slots.push({ row, keyRow, distance: s - position, index: row * (2 * halfWidth + 1) + s - first });
    }
  });
  return slots;
}

/** An identity matrix for each row: `[N, W, W]`. */
function identities(dtype: FloatTensor['dtype'], rows: number, width: number): FloatTensor {
  const result = zeros(dtype, [rows * width, width]);
  for (let line = 0; line < rows * width; line++) result.data[line * width + (line % width)] = 1;
  return reshape(result, [rows, width, width]);
}

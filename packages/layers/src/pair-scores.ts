import type { AttentionBackend } from '@heed/core';
import { zeros } from '@heed/core/backend';
import { attendScores } from './attend-scores.ts';
import type { ForwardOptions } from './attend.ts';
import type { MaskedScope } from './masks.ts';
import type { NamedTensors } from './parameters.ts';
import { type FloatTensor } from './tensors.ts';

/**
 * Score of a query row and a key row, with its gradient. Rows are named by their index among all rows of
 * all batches, so that the same functions serve whole matrices of scores and windows cut out of them.
 */
export interface PairScore {
  score(queryRow: number, keyRow: number): number;
  /** Adds to the gradients of the two rows, for a gradient of their score. */
  addGradient(queryRow: number, keyRow: number, dScore: number): void;
  readonly dQuery: FloatTensor;
  readonly dKey: FloatTensor;
  /** Gradient of the vector v; null for a dot product. */
  readonly dVector: FloatTensor | null;
}

/** Attention of one kind of locality, and its gradient back to the inputs of the scores. */
export interface PairAttention {
  readonly output: FloatTensor;
  readonly weights: FloatTensor;
  gradient(dOutput: FloatTensor): Promise<{
    /** Gradients of the projected query and key. */
    readonly dQuery: FloatTensor;
    readonly dKey: FloatTensor;
    readonly dValue: FloatTensor;
    readonly dVector: FloatTensor | null;
    /** Gradient of the query as it was given, through the predicted positions. */
    readonly predicted?: { readonly dQuery: FloatTensor; readonly parameters: NamedTensors };
  }>;
}

/** q · k. */
export function dotScore(query: FloatTensor, key: FloatTensor): PairScore {
  const width = query.shape[2];
  const dQuery = zeros(query.dtype, query.shape);
  const dKey = zeros(key.dtype, key.shape);
  return {
    score(queryRow, keyRow) {
      let sum = 0;
      for (let d = 0; d < width; d++) sum += query.data[queryRow * width + d] * key.data[keyRow * width + d];
      return sum;
    },
    addGradient(queryRow, keyRow, dScore) {
      for (let d = 0; d < width; d++) {
        dQuery.data[queryRow * width + d] += dScore * key.data[keyRow * width + d];
        dKey.data[keyRow * width + d] += dScore * query.data[queryRow * width + d];
      }
    },
    dQuery,
    dKey,
    dVector: null,
  };
}

/** vᵀ tanh(q + k). */
export function tanhScore(query: FloatTensor, key: FloatTensor, vector: FloatTensor): PairScore {
  const width = vector.data.length;
  const dQuery = zeros(query.dtype, query.shape);
  const dKey = zeros(key.dtype, key.shape);
  const dVector = zeros(vector.dtype, vector.shape);
  return {
    score(queryRow, keyRow) {
      let sum = 0;
      for (let a = 0; a < width; a++) {
        sum += vector.data[a] * Math.tanh(query.data[queryRow * width + a] + key.data[keyRow * width + a]);
      }
      return sum;
    },
    addGradient(queryRow, keyRow, dScore) {
      for (let a = 0; a < width; a++) {
        const t = Math.tanh(query.data[queryRow * width + a] + key.data[keyRow * width + a]);
        const dSum = dScore * vector.data[a] * (1 - t * t);
        dVector.data[a] += dScore * t;
        dQuery.data[queryRow * width + a] += dSum;
        dKey.data[keyRow * width + a] += dSum;
      }
    },
    dQuery,
    dKey,
    dVector,
  };
}

/**
 * Attention of every query to every key by scores of their pairs.
 *
 * @param pairsOf makes the scores, once for the call and once for its gradient, so that nothing is kept in between.
 */
export async function attendPairs(
  backend: AttentionBackend,
  pairsOf: () => PairScore,
  value: FloatTensor,
  scope: MaskedScope,
  options: ForwardOptions,
): Promise<PairAttention> {
  const attended = await attendScores(backend, allScores(pairsOf()), value, scope, options);
  return {
    ...attended,
    async gradient(dOutput) {
      const { dScores, dValue } = await attended.gradient(dOutput);
      const pairs = pairsOf();
      addAllGradients(pairs, dScores);
      const { dQuery, dKey, dVector } = pairs;
      return { dQuery, dKey, dVector, dValue };
    },
  };
}

/** Scores of every query with every key: `[B, 1, Lq, Lk]`. */
function allScores(pairs: PairScore): FloatTensor {
  const { dQuery, dKey } = pairs;
  const [batch, queries] = dQuery.shape;
  const keys = dKey.shape[1];
  const scores = zeros(dQuery.dtype, [batch, 1, queries, keys]);
  for (let row = 0; row < batch * queries; row++) {
    const firstKey = Math.floor(row / queries) * keys;
    for (let j = 0; j < keys; j++) scores.data[row * keys + j] = pairs.score(row, firstKey + j);
  }
  return scores;
}

/** Gradient of {@link allScores}. A score whose gradient is 0 adds nothing, whatever it was. */
function addAllGradients(pairs: PairScore, dScores: FloatTensor): void {
  const [, , queries, keys] = dScores.shape;
  dScores.data.forEach((dScore: number, n: number) => {
    if (dScore === 0) return;
    const row = Math.floor(n / keys);
    pairs.addGradient(row, Math.floor(row / queries) * keys + (n % keys), dScore);
  });
}

import type { AttentionProblem, Origin } from '@heed/core';
import { gumbelNoise } from '@heed/core/backend';
import type { Tensor as TfTensor } from '@tensorflow/tfjs-node';
import type { Scores } from './scores.ts';
import { type Work, queryHeads, tileShape } from './tile-inputs.ts';
import { lengthOf } from '../plan/tiles.ts';

/** Decisions of hard attention in a tile. */
export interface Chosen {
  /** int32 `[B, Hq, Lq]`: the key, counted in all keys; −1 in an empty row. */
  readonly choice: TfTensor;
  /** `[B, Hq, Lq, Dv]`. */
  readonly output: TfTensor;
  /** `[B, Hq, Lq, Lk]`: 1 at the chosen key. */
  readonly weights: TfTensor;
}

/** SPEC.md, clause `selection`. A score that is NaN counts as the maximum, and makes its row NaN. */
export function choose(work: Work, scored: Scores): Chosen {
  const { tf, problem, inputs, tile } = work;
  const [batch, heads, rows, keys] = tileShape(work);
  const { scores, nonFinite } = scored;
  const perturbed = problem.selection === 'sample' ? tf.add(scores, noise(work, inputs)) : scores;
  const candidates = nonFinite ? tf.where(tf.isNaN(perturbed), Infinity, perturbed) : perturbed;
  const maximum = tf.max(candidates, -1);
  const isEmpty = tf.equal(maximum, -Infinity);
  const best = tf.argMax(candidates, -1);
  const key = tf.add(best, tf.scalar(tile.keys.start, 'int32'));

  // Without NaN and infinities in the inputs, sums may be +∞ all the same.
  const isNaN = nonFinite || hasTerms(problem) ? tf.equal(maximum, Infinity) : null;
  const column = (tensor: TfTensor): TfTensor => tf.reshape(tensor, [batch, heads, rows, 1]);
  const orNaN = (numbers: TfTensor, where: TfTensor | null): TfTensor =>
    where === null ? numbers : tf.where(where, NaN, numbers);
  const values = valuesAt(work, scored.value, best);
  const isChosen = tf.logicalAnd(
    tf.equal(column(best), tf.range(0, keys, 1, 'int32')),
    tf.logicalNot(column(isEmpty)),
  );
  return {
    choice: tf.where(isEmpty, tf.scalar(-1, 'int32'), key),
    output: orNaN(tf.where(column(isEmpty), 0, values), isNaN && column(isNaN)),
    weights: orNaN(tf.cast(isChosen, 'float32'), isNaN && tf.logicalAnd(isChosen, column(isNaN))),
  };
}

/** Returns whether anything is added to products. */
function hasTerms({ mask, bias, alibi }: AttentionProblem): boolean {
  return mask?.kind === 'float' || bias !== null || alibi;
}

/** Rows of values, `[B, Hq, Lq, Dv]`, by their place `[B, Hq, Lq]` among the keys of the tile. */
function valuesAt(work: Work, value: TfTensor, place: TfTensor): TfTensor {
  const { tf } = work;
  const [batch, heads, rows] = tileShape(work);
  const [kvBatch, kvHeads, keys, depth] = value.shape as [number, number, number, number];
  const starts = Int32Array.from({ length: batch * heads }, (_, n) => {
    const [b, h] = [Math.floor(n / heads), n % heads];
    return ((kvBatch === 1 ? 0 : b) * kvHeads + Math.floor((h * kvHeads) / heads)) * keys;
  });
  const flat = tf.reshape(tf.add(place, tf.tensor(starts, [batch, heads, 1], 'int32')), [-1]);
  const found = tf.gather(tf.reshape(value, [kvBatch * kvHeads * keys, depth]), flat.toInt());
  return tf.reshape(found, [batch, heads, rows, depth]);
}

const ZERO: Origin = { batch: 0, head: 0, query: 0, key: 0 };

/** Noise is a function of the position among all keys, so it does not depend on how the scores are cut. */
function noise(work: Work, { seed, origin = ZERO }: Work['inputs']): TfTensor {
  const { batches, rows, keys } = work.tile;
  const heads = queryHeads(work);
  const data = new Float32Array(tileShape(work).reduce((size, length) => size * length, 1));
  let n = 0;
  for (let b = batches.start; b < batches.end; b++) {
    for (let h = heads.start; h < heads.end; h++) {
      for (let i = rows.start; i < rows.end; i++) {
        const [from, to] = [keys.start + origin.key, keys.end + origin.key];
        for (let j = from; j < to; j++) {
          data[n++] = gumbelNoise(seed!, b + origin.batch, h + origin.head, i + origin.query, j);
        }
      }
    }
  }
  return work.tf.tensor(data, [lengthOf(batches), lengthOf(heads), lengthOf(rows), lengthOf(keys)]);
}

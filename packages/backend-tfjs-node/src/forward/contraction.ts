import type { Tensor as TfTensor } from '@tensorflow/tfjs-node';
import type { Scores } from './scores.ts';
import { type Work, grouped, tileShape, ungrouped } from './tile-inputs.ts';

/** Weights times values, `[B, Hq, Lq, Dv]`: for each row only the values that it may attend to. */
export function timesValues(work: Work, { value, nonFinite, allowed }: Scores, weights: TfTensor): TfTensor {
  const { tf } = work;
  const product = (left: TfTensor, right: TfTensor): TfTensor =>
    ungrouped(work, tf.matMul(grouped(work, left), right));
  if (!nonFinite || allowed === null) return product(weights, value);
  const output = product(weights, finiteOrZero(work, value));
  return tf.where(tf.greater(product(reach(work, allowed), nonFiniteIn(work, value)), 0), NaN, output);
}

/** Weightsᵀ times rows of queries, `[B, Hkv, Lk, …]`: for each key only the rows that may attend to it. */
export function timesRows(
  work: Work,
  { nonFinite, allowed }: Scores,
  weights: TfTensor,
  rows: TfTensor,
): TfTensor {
  const { tf } = work;
  const product = (left: TfTensor, right: TfTensor): TfTensor =>
    tf.matMul(grouped(work, left), grouped(work, right), true, false);
  if (!nonFinite || allowed === null) return product(weights, rows);
  const sum = product(weights, finiteOrZero(work, rows));
  return tf.where(tf.greater(product(reach(work, allowed), nonFiniteIn(work, rows)), 0), NaN, sum);
}

/** Replaces NaN and ±∞ by 0. The caller handles what they should have made non-finite. */
export function finiteOrZero({ tf }: Work, numbers: TfTensor): TfTensor {
  return tf.where(tf.isFinite(numbers), numbers, 0);
}

/** 1 where not finite, else 0. */
function nonFiniteIn({ tf }: Work, numbers: TfTensor): TfTensor {
  return tf.cast(tf.logicalNot(tf.isFinite(numbers)), 'float32');
}

/** 1 where attending is allowed, else 0, for every row, head and key. */
function reach(work: Work, allowed: TfTensor): TfTensor {
  return work.tf.mul(work.tf.cast(allowed, 'float32'), work.tf.ones([...tileShape(work)]));
}

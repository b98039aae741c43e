import type { BroadcastShape, GradientInputs } from '@heed/core';
import type { Tensor as TfTensor } from '@tensorflow/tfjs-node';
import { finiteOrZero, timesRows } from '../forward/contraction.ts';
import type { Tensors, Tf } from '../platform/engine.ts';
import type { Native } from '../memory/memory.ts';
import { type Scores, scoresOf, selected } from '../forward/scores.ts';
import { byRowSum, exponentialsOf } from '../forward/softmax.ts';
import {
  type Work,
  grouped,
  padKeys,
  perHead,
  queryRows,
  tileShape,
  ungrouped,
} from '../forward/tile-inputs.ts';
import { isEmpty } from '../plan/tiles.ts';

/**
 * The gradients of a tile, beside the formulas of FlashAttention (Dao et al. 2022, appendix B.2), weights P and scores
 * S computed anew:
 *
 *     dV = Pᵀ dO      dP = dO Vᵀ      dS = P ∘ (dP − rowsum(P ∘ dP))      dQ = scale · dS K      dK = scale · dSᵀ Q
 *
 * rowsum(P ∘ dP) equals rowsum(dO ∘ O) but for rounding, and is exact where one key has all the weight. For a part of
 * all keys, O is that over all keys, and only dO ∘ O is the mean.
 *
 * `dKey` and `dValue` are for the keys of the tile, `[B, Hkv, Lk, …]`, and not there when it has none. `dBias` is summed
 * over the axes that were broadcast, and has all keys or one; `dSinks`, `[Hq]`, is summed over the rows.
 *
 * @param forward output and dOutput as `[B, H, L, D]`.
 */
export function gradientTile(work: Work, forward: GradientInputs<Native>): Tensors {
  const { tf, problem } = work;
  if (isEmpty(work.tile)) return emptyGradient(work, forward);
  const dOutput = queryRows(work, forward.dOutput);
  const scored = scoresOf(work, [dOutput]);
  const rowMax = perRow(work, forward.statistics.rowMax);
  const rowSum = perRow(work, forward.statistics.rowSum);
  const { allowed } = scored;

  const weights = selected(
    tf,
    allowed,
    byRowSum(work, exponentialsOf(work, scored.scores, rowMax), rowSum),
    0,
  );
  const dWeights = selected(
    tf,
    allowed,
    ungrouped(work, tf.matMul(grouped(work, dOutput), scored.value, false, true)),
    0,
  );
  const mean = forward.isPart ? meanOfWhole(work, forward) : tf.sum(tf.mul(weights, dWeights), -1, true);
  const dScores = selected(tf, allowed, tf.mul(weights, tf.sub(dWeights, mean)), 0);
  return {
    ...dQueryAndKey(work, scored, dScores),
    dValue: timesRows(work, scored, weights, dOutput),
    ...(problem.bias && { dBias: dBiasOf(work, dScores, problem.bias.shape) }),
    ...(problem.sinks && { dSinks: dSinksOf(work, rowMax, rowSum, mean) }),
  };
}

function perRow(work: Work, tensor: TfTensor): TfTensor {
  return queryRows(work, work.tf.expandDims(tensor, 3));
}

/** A row whose query or attended key is not finite has NaN in all of dS, so that zeros for them hide nothing. */
function dQueryAndKey(work: Work, scored: Scores, dScores: TfTensor): Tensors {
  const { tf, problem } = work;
  const { uncapped, allowed, nonFinite, query, key } = scored;
  const dUncapped =
    uncapped === null ? dScores : selected(tf, allowed, tf.mul(dScores, slopeOfTanh(tf, uncapped)), 0);
  const rows = grouped(work, dUncapped);
  const usable = (tensor: TfTensor): TfTensor => (nonFinite ? finiteOrZero(work, tensor) : tensor);
  return {
    dQuery: tf.mul(ungrouped(work, tf.matMul(rows, usable(key))), problem.scale),
    dKey: tf.mul(tf.matMul(rows, usable(query), true, false), problem.scale),
  };
}

/** 1 − tanh²(x) as 4u / (1 + u)² with u = exp(−2|x|): 1 − tanh² has no digits left where tanh is nearly 1. */
function slopeOfTanh(tf: Tf, x: TfTensor): TfTensor {
  const u = tf.exp(tf.mul(tf.abs(x), -2));
  return tf.div(tf.mul(u, 4), tf.square(tf.add(u, 1)));
}

function dBiasOf(work: Work, dScores: TfTensor, shape: BroadcastShape): TfTensor {
  const axes = [0, 1, 2, 3].filter((axis) => shape[axis] === 1);
  const sum = work.tf.sum(dScores, axes, true);
  return shape[3] === 1 ? sum : padKeys(work, sum, 3);
}

function dSinksOf(work: Work, rowMax: TfTensor, rowSum: TfTensor, mean: TfTensor): TfTensor {
  const { tf, inputs } = work;
  const sinkWeights = byRowSum(work, exponentialsOf(work, perHead(work, inputs.sinks!), rowMax), rowSum);
  return tf.neg(tf.sum(tf.mul(sinkWeights, mean), [0, 2, 3]));
}

/** The mean of each row over all keys, of which the problem has a part. */
function meanOfWhole(work: Work, { output, dOutput }: GradientInputs<Native>): TfTensor {
  const { tf } = work;
  return tf.sum(tf.mul(queryRows(work, dOutput), queryRows(work, output)), -1, true);
}

/** Gradients of rows without keys. Their sink has a weight beside keys that are not in the problem. */
function emptyGradient(work: Work, forward: GradientInputs<Native>): Tensors {
  const { tf, problem } = work;
  const [batch, heads, rows] = tileShape(work);
  const full = [batch, heads, rows, problem.keyLength];
  return {
    dQuery: tf.zeros([batch, heads, rows, problem.headDim]),
    ...(problem.bias && {
      dBias: tf.zeros(full.map((length, axis) => (problem.bias!.shape[axis] === 1 ? 1 : length))),
    }),
    ...(problem.sinks && { dSinks: forward.isPart ? dSinksOfEmpty(work, forward) : tf.zeros([heads]) }),
  };
}

function dSinksOfEmpty(work: Work, forward: GradientInputs<Native>): TfTensor {
  const { rowMax, rowSum } = forward.statistics;
  return dSinksOf(work, perRow(work, rowMax), perRow(work, rowSum), meanOfWhole(work, forward));
}

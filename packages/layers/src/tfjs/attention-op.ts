import { HeedError } from '@heed/core';
import { checkOptions, flag } from '@heed/core/backend';
import type { Tensor, Tensor4D } from '@tensorflow/tfjs';
import { finite } from '../options.ts';

/** The module of TensorFlow.js: `import * as tf from '@tensorflow/tfjs'`, or `@tensorflow/tfjs-node`. */
export type TensorFlow = typeof import('@tensorflow/tfjs');

/** Options of {@link attentionOp}. */
export interface AttentionOpOptions {
  /** Default 1 / √D. */
  readonly scale?: number | undefined;
  /** Query i attends to keys up to i; Lq = Lk. Default false. */
  readonly causal?: boolean | undefined;
  /** Broadcasts against `[B, H, Lq, Lk]`; not 0 may be attended to. */
  readonly mask?: Tensor | undefined;
}

/**
 * softmax(scale · Q Kᵀ) V on tensors of TensorFlow.js, with its own gradient (`tf.customGrad`): the weights are
 * computed again in the backward pass, so that no step of training keeps them. A row that may attend to nothing gives
 * 0, as everywhere in Heed.
 *
 * @param query `[B, H, Lq, D]`.
 * @param key `[B, H, Lk, D]`.
 * @param value `[B, H, Lk, Dv]`.
 * @returns `[B, H, Lq, Dv]`.
 * @throws HeedError `UNKNOWN_OPTION` or `ARGUMENT`; `ALIGNMENT_REQUIRED` for causal with Lq ≠ Lk.
 */
export function attentionOp(
  tf: TensorFlow,
  query: Tensor4D,
  key: Tensor4D,
  value: Tensor4D,
  options: AttentionOpOptions = {},
): Tensor4D {
  checkOptions('attentionOp()', options, { scale: finite, causal: flag, mask: true });
  const { scale = 1 / Math.sqrt(query.shape[3]), causal = false, mask } = options;
  const weightsOf = (q: Tensor, k: Tensor, allowed: Tensor | null): Tensor => {
    const scores = tf.mul(tf.matMul(q, k, false, true), scale);
    if (allowed === null) return tf.softmax(scores);
    // A finite number, since the difference of two infinities is NaN; what it leaves in empty rows is taken out again.
    const weights = tf.softmax(tf.where(tf.cast(allowed, 'bool'), scores, tf.fill(scores.shape, -1e30)));
    return tf.mul(weights, allowed);
  };
  const op = tf.customGrad((...args) => {
    const [q, k, v, allowed] = args as Tensor[];
    const save = args.at(-1) as unknown as (tensors: Tensor[]) => void;
    save(args.slice(0, -1) as Tensor[]);
    const given = args.length > 4 ? allowed : null;
    return {
      value: tf.matMul(weightsOf(q, k, given), v),
      gradFunc: (dOutput: Tensor, saved: Tensor[]) => gradient(tf, dOutput, saved, scale, weightsOf),
    };
  });
  const allowed = allowedOf(tf, query.shape[2], key.shape[2], causal, mask);
  return (allowed === null ? op(query, key, value) : op(query, key, value, allowed)) as Tensor4D;
}

/** dV = Wᵀ dO, dS = W (dO Vᵀ − Σ W (dO Vᵀ)), dQ = scale · dS K, dK = scale · dSᵀ Q. */
function gradient(
  tf: TensorFlow,
  dOutput: Tensor,
  [q, k, v, allowed]: Tensor[],
  scale: number,
  weightsOf: (q: Tensor, k: Tensor, allowed: Tensor | null) => Tensor,
): Tensor[] {
  const weights = weightsOf(q, k, allowed ?? null);
  const weighted = tf.mul(weights, tf.matMul(dOutput, v, false, true));
  const dScores = tf.mul(tf.sub(weighted, tf.mul(weights, tf.sum(weighted, -1, true))), scale);
  return [
    tf.matMul(dScores, k),
    tf.matMul(dScores, q, true, false),
    tf.matMul(weights, dOutput, true, false),
    ...(allowed === undefined ? [] : [tf.zerosLike(allowed)]),
  ];
}

/** 1 where a query may attend, `[…, Lq, Lk]`; null when it may everywhere. */
function allowedOf(
  tf: TensorFlow,
  queries: number,
  keys: number,
  causal: boolean,
  mask: Tensor | undefined,
): Tensor | null {
  const given = mask === undefined ? null : tf.cast(tf.notEqual(mask, 0), 'float32');
  if (!causal) return given;
  if (queries !== keys) {
    throw new HeedError(
      'ALIGNMENT_REQUIRED',
      `causal needs to know where the ${queries} queries stand among the ${keys} keys`,
      { clause: 'alignment', remedy: 'give as many queries as keys, or a mask instead of causal' },
    );
  }
  const lower = tf.cast(
    tf.lessEqual(tf.range(0, keys).reshape([1, keys]), tf.range(0, queries).reshape([queries, 1])),
    'float32',
  );
  return given === null ? lower : tf.mul(given, lower);
}

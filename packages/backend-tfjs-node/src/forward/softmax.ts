import type { Tensor as TfTensor } from '@tensorflow/tfjs-node';
import { type Scores, selected } from './scores.ts';
import { type Work, perHead } from './tile-inputs.ts';

/** The softmax of a tile before its division. */
export interface Softmax {
  /** exp(score − rowMax), `[B, Hq, Lq, Lk]`. */
  readonly exponentials: TfTensor;
  /** `[B, Hq, Lq, 1]`: as SPEC.md, clause `statistics`. */
  readonly rowMax: TfTensor;
  /** `[B, Hq, Lq, 1]`; 0 in an empty row. */
  readonly rowSum: TfTensor;
}

export function softmaxOf(work: Work, { scores }: Pick<Scores, 'scores'>): Softmax {
  const { tf, problem } = work;
  const maximum = tf.max(scores, -1, true);
  const sinks = problem.sinks ? perHead(work, work.inputs.sinks!) : null;
  const rowMax = sinks === null ? maximum : tf.maximum(maximum, sinks);
  const exponentials = exponentialsOf(work, scores, rowMax);
  const sum = tf.sum(exponentials, -1, true);
  const rowSum = sinks === null ? sum : tf.add(sum, exponentialsOf(work, sinks, rowMax));
  return { exponentials, rowMax, rowSum };
}

/** exp(score − rowMax); 0 in an empty row, where rowMax is −∞. */
export function exponentialsOf({ tf }: Work, scores: TfTensor, rowMax: TfTensor): TfTensor {
  return tf.exp(tf.sub(scores, tf.where(tf.equal(rowMax, -Infinity), 0, rowMax)));
}

/** Numerator by row sum; 0 in an empty row. */
export function byRowSum({ tf }: Work, numerator: TfTensor, rowSum: TfTensor): TfTensor {
  return tf.div(numerator, tf.where(tf.equal(rowSum, 0), 1, rowSum));
}

/** The weights of a tile; exactly 0 where excluded, also in a row that is not finite. */
export function weightsOf(work: Work, { allowed }: Scores, { exponentials, rowSum }: Softmax): TfTensor {
  return selected(work.tf, allowed, byRowSum(work, exponentials, rowSum), 0);
}

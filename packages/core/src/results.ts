import type { Statistics } from './inputs.ts';
import type { Tensor } from './tensor.ts';

/** Everything that a run can return, by its name in the request. */
export interface OutputsByName<T = Tensor> {
  /** `[B, Hq, Lq, Dv]`, or `[B, Lq, Hq, Dv]` in layout `blhd`. */
  readonly output: T;
  /** `[B, Hq, Lq, Lk]`: what each key contributes; a row sums to 1, or to less with a sink, or to 0 if empty. */
  readonly weights: T;
  /** `[B, Hq, Lq]`: natural logarithm of the softmax's denominator; −∞ in an empty row. */
  readonly logSumExp: T;
  readonly statistics: Statistics<T>;
  /** int32 `[B, Hq, Lq]`: the key that hard attention chose; −1 in an empty row. */
  readonly choice: T;
}

/** The results of a run: those that `problem.outputs` names are present. */
export type AttentionResults<T = Tensor> = Partial<OutputsByName<T>>;

/** The gradients of one loss; each has the shape of its input. */
export interface AttentionGradients<T = Tensor> {
  readonly dQuery: T;
  readonly dKey: T;
  readonly dValue: T;
  /** Present if the problem has a bias; summed over the axes that were broadcast. */
  readonly dBias?: T;
  /** Present if the problem has sinks. */
  readonly dSinks?: T;
}

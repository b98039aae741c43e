import type { ComputeDType } from '../../tensor.ts';
import type { TensorLike } from '../../tensor-like.ts';
import type { OperationKernel } from '../contract.ts';

/** A rotary position embedding as plain data. Batch, length and the number of heads are not part of it. */
export interface RotaryProblem {
  /** D, the length of a head. */
  readonly headDim: number;
  /** R, the number of elements of a head that are rotated, from its first; even. Default: D. */
  readonly rotaryDim?: number;
  /** Pairs of neighbors (2n, 2n + 1), as GPT-J has them, instead of halves (n, n + R/2), as Llama. Default false. */
  readonly interleaved?: boolean;
  /** Default `float32`. */
  readonly dtype?: ComputeDType;
  /** True if gradients will be computed. Default false. */
  readonly gradient?: boolean;
}

/** Cosines and sines of the angles of each position, times a factor if there is one: `rotaryTable` makes them. */
export interface RotaryTables<T = TensorLike> {
  /** `[L, R/2]`, or `[B, L, R/2]` for positions that differ along the batch. */
  readonly cosines: T;
  /** The same shape. */
  readonly sines: T;
}

/** Inputs of a run. */
export interface RotaryInputs<T = TensorLike> extends RotaryTables<T> {
  /** `[B, L, H, D]`. */
  readonly input: T;
}

/** Inputs of the gradient besides the tables. */
export interface RotaryForward<T = TensorLike> {
  /** `[B, L, H, D]`, the gradient of the output. */
  readonly dOutput: T;
}

/** Names of the gradients; tables have none. */
export interface RotaryGradientNames {
  readonly dInput: true;
}

/** Kernel of rotary embeddings: SPEC.md, clause `rotary`. */
export type RotaryKernel = OperationKernel<
  RotaryProblem,
  RotaryInputs,
  RotaryForward,
  RotaryGradientNames,
  RotaryTables
>;

/** The part of a backend that rotates heads by their positions; SPEC.md, clause `rotary`. */
export interface RotaryOperation {
  /** @throws HeedError `UNKNOWN_OPTION` or `ARGUMENT`; `UNSUPPORTED` for a dtype that is not declared. */
  compile(problem: RotaryProblem): Promise<RotaryKernel>;
}

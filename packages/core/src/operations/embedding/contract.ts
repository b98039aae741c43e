import type { ComputeDType, PlainTensorLike } from '../../tensor.ts';
import type { TensorLike } from '../../tensor-like.ts';
import type { OperationKernel } from '../contract.ts';

/** An embedding as plain data. The number of indices is not part of it. */
export interface EmbeddingProblem {
  /** N, the number of rows of the weight. */
  readonly count: number;
  /** E, the width of a row. */
  readonly width: number;
  /** Default `float32`. */
  readonly dtype?: ComputeDType;
  /** True if gradients will be computed. Default false. */
  readonly gradient?: boolean;
}

/** Inputs of a run that its gradient takes. */
export interface EmbeddingIndices<I = PlainTensorLike> {
  /** int32 `[…]`, each −1 … N − 1; −1 is padding, whose row is 0. Plain. */
  readonly indices: I;
}

/** Inputs of a run. */
export interface EmbeddingInputs<T = TensorLike, I = PlainTensorLike> extends EmbeddingIndices<I> {
  /** `[N, E]`. */
  readonly weight: T;
}

/** Inputs of the gradient besides the indices. */
export interface EmbeddingForward<T = TensorLike> {
  /** `[…, E]`, the gradient of the output. */
  readonly dOutput: T;
}

/** Names of the gradients. */
export interface EmbeddingGradientNames {
  /** `[N, E]`, with 0 in rows that no index names. */
  readonly dWeight: true;
}

/** Kernel of rows of a weight: SPEC.md, clause `embedding`. */
export type EmbeddingKernel = OperationKernel<
  EmbeddingProblem,
  EmbeddingInputs,
  EmbeddingForward,
  EmbeddingGradientNames,
  EmbeddingIndices
>;

/** The part of a backend that looks rows up; SPEC.md, clause `embedding`. */
export interface EmbeddingOperation {
  /** @throws HeedError `UNKNOWN_OPTION` or `ARGUMENT`; `UNSUPPORTED` for a dtype that is not declared. */
  compile(problem: EmbeddingProblem): Promise<EmbeddingKernel>;
}

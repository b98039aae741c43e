import type { ComputeDType } from '../../tensor.ts';
import type { TensorLike } from '../../tensor-like.ts';
import type { OperationKernel } from '../contract.ts';

/** A norm of rows as plain data. The number of rows is not part of it. */
export interface NormProblem {
  /** `layer` is (x − mean) / √(variance + ε) · weight + bias, `rms` is x / √(mean of x² + ε) · weight + bias. */
  readonly kind: 'layer' | 'rms';
  /** E, the length of the last axis. */
  readonly width: number;
  /** Default `float32`. */
  readonly dtype?: ComputeDType;
  /** Added to the mean of the squares; positive. Default 1e-5 for `layer`, 1e-6 for `rms`. */
  readonly epsilon?: number;
  /** True to add a bias. Default false. */
  readonly bias?: boolean;
  /** True if gradients will be computed. Default false. */
  readonly gradient?: boolean;
}

/** Inputs of a run. */
export interface NormInputs<T = TensorLike> {
  /** `[…, E]`, with any number of leading axes. */
  readonly input: T;
  /** `[E]`. */
  readonly weight: T;
  /** `[E]`: where the problem has one. */
  readonly bias?: T | undefined;
}

/** Inputs of the gradient besides those of the run. */
export interface NormForward<T = TensorLike> {
  /** `[…, E]`, the gradient of the output. */
  readonly dOutput: T;
  /** `[…, E]`, added to dInput: the gradient that reaches the input past the norm. Default: none. */
  readonly dResidual?: T | undefined;
}

/** Names of the gradients, in the shapes of input, weight and bias; dBias if the problem has a bias. */
export interface NormGradientNames {
  readonly dInput: true;
  readonly dWeight: true;
  readonly dBias?: true;
}

/** Kernel of layer and RMS norms: SPEC.md, clause `norm`. */
export type NormKernel = OperationKernel<NormProblem, NormInputs, NormForward, NormGradientNames>;

/** The part of a backend that normalizes rows; SPEC.md, clause `norm`. */
export interface NormOperation {
  /** @throws HeedError `UNKNOWN_OPTION` or `ARGUMENT`; `UNSUPPORTED` for a dtype that is not declared. */
  compile(problem: NormProblem): Promise<NormKernel>;
}

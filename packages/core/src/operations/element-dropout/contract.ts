import type { ComputeDType } from '../../tensor.ts';
import type { TensorLike } from '../../tensor-like.ts';
import type { OperationKernel } from '../contract.ts';

/** Dropout of the elements of a tensor as plain data. Its shape is not part of it. */
export interface ElementDropoutProblem {
  /** p, the share of the elements that become 0; 0 ≤ p < 1. */
  readonly probability: number;
  /** Default `float32`. */
  readonly dtype?: ComputeDType;
  /** True if gradients will be computed. Default false. */
  readonly gradient?: boolean;
}

/** Inputs of a run that its gradient takes: they determine which elements are dropped. */
export interface ElementDropoutSeed {
  /** An integer, 0 ≤ seed < 2⁵³. Another for each step. */
  readonly seed: number;
  /** Tells several places of one model apart: an integer, 0 ≤ stream < 2³². Default 0. */
  readonly stream?: number | undefined;
}

/** Inputs of a run. */
export interface ElementDropoutInputs<T = TensorLike> extends ElementDropoutSeed {
  /** `[…]`, of any shape. */
  readonly input: T;
  /** Tensor in the shape of the input that is added to what is kept: the way past a layer. Default: none. */
  readonly residual?: T | undefined;
}

/** Inputs of the gradient besides seed and stream; it does not depend on a residual, whose gradient is dOutput. */
export interface ElementDropoutForward<T = TensorLike> {
  /** `[…]`, the gradient of the output. */
  readonly dOutput: T;
}

/** Names of the gradients. */
export interface ElementDropoutGradientNames {
  readonly dInput: true;
}

/** Kernel of dropout of elements: SPEC.md, clause `elementDropout`. */
export type ElementDropoutKernel = OperationKernel<
  ElementDropoutProblem,
  ElementDropoutInputs,
  ElementDropoutForward,
  ElementDropoutGradientNames,
  ElementDropoutSeed
>;

/** The part of a backend that drops elements of tensors; SPEC.md, clause `elementDropout`. */
export interface ElementDropoutOperation {
  /** @throws HeedError `UNKNOWN_OPTION` or `ARGUMENT`; `UNSUPPORTED` for a dtype that is not declared. */
  compile(problem: ElementDropoutProblem): Promise<ElementDropoutKernel>;
}

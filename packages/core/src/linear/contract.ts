import type { RunOptions } from '../run-options.ts';
import type { ComputeDType, ResidentTensor, Tensor } from '../tensor.ts';
import type { TensorLike } from '../tensor-like.ts';
import type { Activation } from './activation.ts';
import type { StoredWeight, WeightType } from './stored.ts';

/** A linear projection as plain data. The number of rows is not part of it. */
export interface LinearProblem {
  /** Width of the input: the length of its last axis. */
  readonly inputDim: number;
  /** Width of the output. */
  readonly outputDim: number;
  /** Default `float32`. */
  readonly dtype?: ComputeDType;
  /**
   * Type in which the weight is stored. Default: `dtype`. Others are for `float32` without a gradient: `float16`, `bfloat16`,
   * and blocks of 32 numbers, of which `inputDim` must then be a multiple.
   */
  readonly weightType?: WeightType;
  /** True to add a bias. Default false. */
  readonly bias?: boolean;
  /** Function applied to each element of the sum. Default null: none. */
  readonly activation?: Activation | null;
  /**
   * True for a gated projection, where `capabilities.operations` has `linear.gate`: weight `[2·out, in]` and bias `[2·out]` make two
   * numbers for each output, n and out + n, and the output is the activation of the first times the second. Default false.
   */
  readonly gate?: boolean;
  /** True if gradients will be computed. Default false. */
  readonly gradient?: boolean;
  /**
   * True if a run also returns the argument of the activation and gate, from which the gradient need not compute it again, where
   * `capabilities.operations` has `linear.argument`. Requires `gradient`, and an activation or a gate. Default false.
   */
  readonly argument?: boolean;
}

/**
 * A weight `[out, in]`, as in `torch.nn.Linear`, and a bias `[out]` where the problem has one; both of twice the length with a gate.
 *
 * @typeParam W weights of other types are plain: {@link StoredWeight}.
 */
export interface LinearParameters<T = TensorLike, W = T> {
  readonly weight: W;
  readonly bias?: T | undefined;
}

/** Weights in the form that a kernel reads, in its engine's memory. Later changes to the originals have no effect. */
export interface PackedWeights {
  readonly packed: true;
  /** Frees the memory when the runs that use it have ended. Safe to call twice. */
  dispose(): void;
}

/** Inputs of a run. */
export interface LinearInputs {
  /** `[…, in]`, with any number of leading axes. */
  readonly input: TensorLike;
  /** Weights from `pack()` of this kernel. */
  readonly weights: PackedWeights;
  /** `[…, out]`, added after the activation: where `capabilities.operations` has `linear.residual`. Default: none. */
  readonly residual?: TensorLike | undefined;
}

/** Inputs of the gradient besides those of the run; it does not depend on their residual. */
export interface LinearForward {
  /** `[…, out]`, the gradient of the output. */
  readonly dOutput: TensorLike;
  /** The argument that the run returned, where the problem has `argument: true`. */
  readonly argument?: TensorLike | undefined;
  /** `[…, in]`, added to dInput: the gradient that reaches the input past the projection. As `residual`. Default: none. */
  readonly dResidual?: TensorLike | undefined;
}

/** Results of a projection of an input `[…, in]`. */
export interface LinearResults<T> {
  /** `[…, out]`. */
  readonly output: T;
  /** `[…, out]`, or `[…, 2·out]` with a gate: input · weightᵀ + bias. Present if the problem has `argument: true`. */
  readonly argument?: T;
}

/** Gradients in the shapes of input, weight and bias. */
export interface LinearGradients<T> {
  readonly dInput: T;
  readonly dWeight: T;
  /** Present if the problem has a bias. */
  readonly dBias?: T;
}

/** The part of a backend that computes linear projections; SPEC.md, clause `linear`. */
export interface LinearOperation {
  /**
   * True where numbers are multiplied one by one on the calling thread: a caller with vector instructions of its own, such as
   * `@heed/layers`, is faster. Default false.
   */
  readonly scalar?: boolean;
  /**
   * @throws HeedError `UNKNOWN_OPTION` or `ARGUMENT`; `NOT_DIFFERENTIABLE` for a gradient of stored weights; `UNSUPPORTED` for a
   * dtype, a weight type, a gate or an argument that is not declared.
   */
  compile(problem: LinearProblem): Promise<LinearKernel>;
}

/** Calls may overlap. Inputs must stay unchanged until the promise settles. */
export interface LinearKernel extends AsyncDisposable {
  /** The problem with its defaults. */
  readonly problem: Required<LinearProblem>;
  /**
   * Packs weights, for any number of runs.
   *
   * @throws HeedError `SHAPE`, `DTYPE`, `MISSING_INPUT` or `UNEXPECTED_INPUT`; `ARGUMENT` for blocks whose bytes do not fill the
   * shape; `OUT_OF_MEMORY`.
   */
  pack(parameters: LinearParameters<TensorLike, TensorLike | StoredWeight>): Promise<PackedWeights>;
  /** activation(input · weightᵀ + bias) + residual, with a gate activation(first half) · second half + residual. */
  run(
    inputs: LinearInputs,
    options?: RunOptions & { readonly resident?: false },
  ): Promise<LinearResults<Tensor>>;
  /** With `resident: true` the output stays in the backend's memory; the caller disposes it. */
  run(
    inputs: LinearInputs,
    options: RunOptions & { readonly resident: true },
  ): Promise<LinearResults<ResidentTensor>>;
  /**
   * Computes the gradients for the inputs of a run.
   *
   * @throws HeedError `NOT_DIFFERENTIABLE` unless the problem was compiled with `gradient: true`.
   */
  gradient(
    inputs: LinearInputs,
    forward: LinearForward,
    options?: RunOptions & { readonly resident?: false },
  ): Promise<LinearGradients<Tensor>>;
  gradient(
    inputs: LinearInputs,
    forward: LinearForward,
    options: RunOptions & { readonly resident: true },
  ): Promise<LinearGradients<ResidentTensor>>;
  /** Frees the kernel and the weights that it packed. Runs in progress settle first. */
  dispose(): Promise<void>;
}

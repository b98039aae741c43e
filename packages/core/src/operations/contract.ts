import type { RunOptions } from '../run-options.ts';
import type { ResidentTensor, Tensor } from '../tensor.ts';

/** The names of some tensors, each with a tensor; optional names stay optional. */
export type Tensors<Names, T> = { readonly [Name in keyof Names]: T };

/**
 * Kernel of an operation other than `linear`. Calls may overlap; inputs must stay unchanged until the promise settles.
 *
 * @typeParam Problem the operation as plain data.
 * @typeParam Inputs inputs of a run.
 * @typeParam Forward what the gradient takes besides the inputs.
 * @typeParam Gradients names of the gradients.
 * @typeParam Saved the inputs of the run that its gradient takes. Default: all of them.
 */
export interface OperationKernel<
  Problem,
  Inputs,
  Forward,
  Gradients,
  Saved = Inputs,
> extends AsyncDisposable {
  /** The problem with its defaults. */
  readonly problem: Required<Problem>;
  run(
    inputs: Inputs,
    options?: RunOptions & { readonly resident?: false },
  ): Promise<OperationResults<Tensor>>;
  /** With `resident: true` the output stays in the backend's memory; the caller disposes it. */
  run(
    inputs: Inputs,
    options: RunOptions & { readonly resident: true },
  ): Promise<OperationResults<ResidentTensor>>;
  /**
   * Computes the gradients for the inputs of a run.
   *
   * @throws HeedError `NOT_DIFFERENTIABLE` unless the problem was compiled with `gradient: true`.
   */
  gradient(
    inputs: Saved,
    forward: Forward,
    options?: RunOptions & { readonly resident?: false },
  ): Promise<Tensors<Gradients, Tensor>>;
  gradient(
    inputs: Saved,
    forward: Forward,
    options: RunOptions & { readonly resident: true },
  ): Promise<Tensors<Gradients, ResidentTensor>>;
  /** Frees the kernel. Runs in progress settle first. */
  dispose(): Promise<void>;
}

/** Results of an operation with one output, in the shape of its input, or of the rows that it looks up. */
export interface OperationResults<T> {
  readonly output: T;
}

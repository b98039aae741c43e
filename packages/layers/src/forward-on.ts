import type { AttentionBackend, RunOptions } from '@heed/core';
import { abortSignal, assertBackend, checkOptions, flag } from '@heed/core/backend';
import type { When } from './attend.ts';
import type { LinearGradients } from './matrix/linear.ts';
import type { FloatTensorLike } from './tensor-like.ts';
import type { FloatTensor } from './tensors.ts';

/** Options of a layer's `forwardOn()`. */
export interface ForwardOnOptions extends RunOptions {
  /** Also returns `gradient()`. Default false. */
  readonly gradient?: boolean | undefined;
}

/** The output, and its gradient if `gradient: true` was given. */
export type ForwardOnResults<Options> = {
  /** In the shape that `forward()` returns. */
  readonly output: FloatTensor;
} & When<
  Options,
  'gradient',
  {
    /** Inputs and parameters must be unchanged since the forward call. */
    gradient(dOutput: FloatTensorLike): Promise<LinearGradients>;
  }
>;

/** Results before their options are known. */
export interface ComputedOn {
  readonly output: FloatTensor;
  gradient?(dOutput: FloatTensorLike): Promise<LinearGradients>;
}

/**
 * Checks the arguments of `forwardOn()` other than its input.
 *
 * @throws HeedError `ARGUMENT`, `CONTRACT_VERSION` or `UNKNOWN_OPTION`.
 */
export function checkForwardOn(
  backend: AttentionBackend,
  options: ForwardOnOptions = {},
): { readonly gradient: boolean; readonly run: RunOptions } {
  assertBackend(backend);
  checkOptions('forwardOn()', options, { signal: abortSignal, gradient: flag });
  const { gradient = false, signal } = options;
  signal?.throwIfAborted();
  return { gradient, run: signal === undefined ? {} : { signal } };
}

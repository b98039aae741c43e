import { assertBackend } from './assert-backend.ts';
import { holdInputs } from './backend/memory.ts';
import type { AttentionBackend, RunOptions } from './contract.ts';
import type { GradientInputs } from './inputs.ts';
import { withKernel } from './kernel-cache.ts';
import { checkRunOptions } from './options/run-options.ts';
import type { OutputName } from './problem.ts';
import { type AttentionRequest, problemOf } from './request.ts';
import type { ResidentTensor } from './resident.ts';
import type { AttentionGradients, ResultsOf } from './results.ts';
import type { Tensor } from './tensor.ts';

/** Results of {@link attention} with `gradient: true`: also what the backward pass needs, and the pass itself. */
export type DifferentiableResults<O extends OutputName> = ResultsOf<O | 'output' | 'statistics'> & {
  /** The gradients for a gradient of the output. The inputs must be unchanged since the forward call. */
  gradient(dOutput: Tensor, options?: RunOptions): Promise<AttentionGradients>;
};

/**
 * Attention on a backend: softmax(scale · Q Kᵀ + …) V (Vaswani et al., "Attention is all you need", section 3.2.1),
 * with what the request adds to it. The kernel for the problem is compiled once and kept.
 *
 * @returns the outputs that `request.outputs` names; by default `output` alone.
 * @throws HeedError see {@link problemOf}; `UNSUPPORTED` when the backend does not declare what the request uses;
 * the signal's reason when it is aborted.
 *
 * @example
 * ```ts
 * import { attention, tensor } from '@heed/core';
 * import ts from '@heed/backend-ts';
 *
 * const backend = await ts.create();
 * const x = tensor(new Float32Array([1, 0, 0, 1, 1, 1]), [1, 1, 3, 2]); // [B, H, L, D]
 * const { weights } = await attention(backend, {
 *   query: x,
 *   key: x,
 *   value: x,
 *   causal: true,
 *   outputs: ['weights'],
 * });
 * console.log(weights.data.subarray(0, 3).join()); // 1,0,0
 * ```
 */
export async function attention<const O extends OutputName = 'output'>(
  backend: AttentionBackend,
  request: AttentionRequest<O> & { readonly gradient?: false | undefined },
  options?: RunOptions & { readonly resident?: false },
): Promise<ResultsOf<O>>;
export async function attention<const O extends OutputName = 'output'>(
  backend: AttentionBackend,
  request: AttentionRequest<O> & { readonly gradient?: false | undefined },
  options: RunOptions & { readonly resident: true },
): Promise<ResultsOf<O, ResidentTensor>>;
export async function attention<const O extends OutputName = 'output'>(
  backend: AttentionBackend,
  request: AttentionRequest<O> & { readonly gradient: true },
  options?: RunOptions,
): Promise<DifferentiableResults<O>>;
export async function attention(
  backend: AttentionBackend,
  request: AttentionRequest,
  options: RunOptions & { readonly resident?: boolean } = {},
): Promise<unknown> {
  assertBackend(backend);
  checkRunOptions('attention()', options);
  const { problem, inputs } = problemOf(withStatistics(request));
  const held = holdInputs(inputs);
  const results = await withKernel(backend, problem, (kernel) =>
    kernel.run(held.inputs, options as RunOptions),
  ).finally(held.release);
  if (!problem.gradient) return results;
  const forward = { output: results.output!, statistics: results.statistics! };
  return {
    ...results,
    gradient: (dOutput: Tensor, backward?: RunOptions) =>
      withKernel(backend, problem, (kernel) =>
        kernel.gradient(inputs, { ...forward, dOutput } satisfies GradientInputs, backward),
      ),
  };
}

/** What a gradient needs of the forward run is asked for as well. */
function withStatistics(request: AttentionRequest): AttentionRequest {
  if (!request?.gradient) return request;
  return { ...request, outputs: [...(request.outputs ?? ['output']), 'output', 'statistics'] };
}

import {
  type AttentionBackend,
  type AttentionGradients,
  type AttentionRequest,
  type AttentionResults,
  type RequestedResults,
  type PlainTensorLike,
  type RunOptions,
  type Tensor,
  type TensorLike,
  attention,
  resolveRequest,
} from '@heed/core';
import { checkProblem, exchangeHeadsAndLength, withKernel } from '@heed/core/backend';
import type { FloatTensor } from './tensors.ts';

/** Results that a layer's forward pass can return besides its output. */
export interface ForwardOptions extends RunOptions {
  /** Also returns the weights, as the user of the layer sees them. Default false. */
  readonly weights?: boolean | undefined;
  /**
   * Also returns `gradient()`. True: on the backend of the forward pass. A backend: on that one, where the first does
   * not declare the gradient. Default false.
   */
  readonly gradient?: boolean | AttentionBackend | undefined;
}

/** Member of a result that is present if an option requests it. */
export type When<Options, Name extends keyof ForwardOptions, Member> = Options extends {
  readonly [N in Name]: true | AttentionBackend;
}
  ? Member
  : unknown;

type LayerRequest = AttentionRequest<TensorLike>;

/** Masks and limits of a request to a layer; shapes and meaning are those of `attention()`. */
export type AttentionScope = Pick<
  LayerRequest,
  | 'causal'
  | 'window'
  | 'alignment'
  | 'mask'
  | 'keyLengths'
  | 'keyStarts'
  | 'queryLengths'
  | 'querySegments'
  | 'keySegments'
> & {
  /** Key padding, bool `[B, Lk]`: true may be attended to, false is padding. Joins `mask` where both are given. */
  readonly keyMask?: PlainTensorLike | undefined;
};

export const SCOPE_NAMES: Readonly<Record<keyof AttentionScope, true>> = {
  causal: true,
  window: true,
  alignment: true,
  mask: true,
  keyMask: true,
  keyLengths: true,
  keyStarts: true,
  queryLengths: true,
  querySegments: true,
  keySegments: true,
};

export interface Attended {
  readonly output: FloatTensor;
  readonly weights: FloatTensor;
  readonly logSumExp: FloatTensor;
  /** Present if the gradient was requested. */
  gradient(dOutput: FloatTensor): Promise<AttentionGradients<FloatTensor>>;
}

interface AttendOptions extends ForwardOptions {
  /** For the layer, which has it in the request. */
  readonly dropout?: unknown;
  readonly logSumExp?: boolean | undefined;
}

/**
 * Attention through the contract, forward on one backend and backward on the one that the options name. Tensors are
 * `[B, L, H, D]`; for a backend that does not declare this layout, axes are exchanged on the way in and out.
 */
export async function attend(
  backend: AttentionBackend,
  request: Omit<LayerRequest, 'layout' | 'gradient' | 'selection' | 'seed' | keyof RequestedResults>,
  { weights = false, gradient = false, logSumExp = false, dropout: _, ...run }: AttendOptions,
): Promise<Attended> {
  const backward = typeof gradient === 'object' ? gradient : backend;
  const headsLast = [backend, backward].every(({ capabilities }) =>
    capabilities.features.includes('layout.blhd'),
  );
  const toBackend = (value: Tensor): Tensor => (headsLast ? value : exchangeHeadsAndLength(value));
  const asked: LayerRequest = {
    ...request,
    query: toBackend(request.query as Tensor),
    key: toBackend(request.key as Tensor),
    value: toBackend(request.value as Tensor),
    layout: headsLast ? 'blhd' : 'bhld',
    weights,
    logSumExp,
  };
  const { results, gradientOf } = await forward(backend, backward, asked, gradient !== false, run);
  return {
    output: toBackend(results.output!) as FloatTensor,
    weights: results.weights as FloatTensor,
    logSumExp: results.logSumExp as FloatTensor,
    async gradient(dOutput) {
      const gradients = await gradientOf(toBackend(dOutput));
      return {
        ...gradients,
        dQuery: toBackend(gradients.dQuery),
        dKey: toBackend(gradients.dKey),
        dValue: toBackend(gradients.dValue),
      } as AttentionGradients<FloatTensor>;
    },
  };
}

interface Forward {
  readonly results: AttentionResults;
  gradientOf(dOutput: Tensor): Promise<AttentionGradients>;
}

/** A backend that computes the gradient too compiles one kernel for both; another is compiled when it is needed. */
async function forward(
  backend: AttentionBackend,
  backward: AttentionBackend,
  request: LayerRequest,
  gradient: boolean,
  options: RunOptions,
): Promise<Forward> {
  if (gradient && backward === backend) {
    const results = await attention(backend, { ...request, gradient: true }, options);
    return { results, gradientOf: (dOutput) => results.gradient(dOutput) };
  }
  const forwardRequest = { ...request, statistics: gradient, gradient: false } as const;
  const results: AttentionResults = await attention(backend, forwardRequest, options);
  return {
    results,
    gradientOf: (dOutput) => gradientElsewhere(backward, forwardRequest, results, dOutput),
  };
}

/** Output and statistics mean the same everywhere: what one backend ran forward, another takes back. */
function gradientElsewhere(
  backward: AttentionBackend,
  request: LayerRequest,
  { output, statistics }: AttentionResults,
  dOutput: Tensor,
): Promise<AttentionGradients> {
  const { problem, inputs } = resolveRequest(request);
  return withKernel(backward, checkProblem({ ...problem, gradient: true }), (kernel) =>
    kernel.gradient(inputs, { output: output!, statistics: statistics!, dOutput }),
  );
}

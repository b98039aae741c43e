import { assertBackend } from './assert-backend.ts';
import type { AttentionBackend } from './contract.ts';
import type { RunOptions } from './run-options.ts';
import { checkGradientInputs } from './check-inputs.ts';
import { holdInputs } from './hold-inputs.ts';
import type { GradientInputs, Statistics } from './inputs.ts';
import { withKernel } from './kernel-cache.ts';
import type { AttentionPart } from './merge/attention.ts';
import { partGradientInputs } from './merge/shares.ts';
import { checkOptions } from './options/check-options.ts';
import { abortSignal, flag } from './options/kinds.ts';
import { checkRunOptions } from './options/run-options.ts';
import type { AttentionProblem } from './problem.ts';
import { checkPartGradient } from './support.ts';
import { type AttentionRequest, resolveRequest } from './request.ts';
import {
  type DType,
  type FloatDType,
  type HalfDType,
  type PlainTensorLike,
  type ResidentTensor,
  type Tensor,
  isResident,
} from './tensor.ts';
import type { AttentionGradients } from './results.ts';
import { type FloatDTypeOf, type TensorLike, toTensor } from './tensor-like.ts';

/** A flag of a request, as the compiler knows it: `boolean` where it does not know its value. */
type Flag = boolean | undefined;

/** A member that is present, absent or optional, depending on the flag that asks for it. */
type Member<F extends Flag, Name extends string, T> = [F] extends [true]
  ? { readonly [K in Name]: T }
  : [F] extends [false | undefined]
    ? unknown
    : { readonly [K in Name]?: T };

/** A plain tensor, a resident one, or either, depending on the option `resident`. */
type Placed<R extends Flag, D extends DType> = [R] extends [true]
  ? ResidentTensor<D>
  : [R] extends [false | undefined]
    ? Tensor<D>
    : Tensor<D> | ResidentTensor<D>;

/** The element type of the statistics of a call. */
type ScoreDType<D extends FloatDType> = D extends HalfDType ? 'float32' : D;

/** The gradient of a call of {@link attention}. */
export interface GradientOf<D extends FloatDType = FloatDType> {
  /**
   * The gradients for a gradient of the output. Inputs, output and statistics must be unchanged since the forward call. With `whole` the
   * call was for a part of the keys: its gradients are then their part of those over all keys, for `mergeGradients`.
   */
  (
    dOutput: TensorLike,
    options?: GradientOptions & { readonly resident?: false | undefined },
  ): Promise<AttentionGradients<Tensor<D>>>;
  /** They stay in the backend's memory; the caller disposes them. */
  (
    dOutput: TensorLike,
    options: GradientOptions & { readonly resident: true },
  ): Promise<AttentionGradients<ResidentTensor<D>>>;
}

/** Options of the gradient of a call. */
export interface GradientOptions extends RunOptions {
  /** Result of `mergeAttention` over all parts of the keys, of which the call computed one. */
  readonly whole?: Pick<AttentionPart<PlainTensorLike>, 'output' | 'statistics'> | undefined;
}

/** Results of {@link attention}: those that the request's flags ask for, in the element type of the query. */
export type AttendedBy<
  D extends FloatDType,
  R extends Flag,
  O extends Flag,
  W extends Flag,
  L extends Flag,
  S extends Flag,
  C extends Flag,
  G extends Flag,
> = Member<O extends undefined ? true : G extends true ? true : O, 'output', Placed<R, D>> &
  Member<W, 'weights', Placed<R, D>> &
  Member<L, 'logSumExp', Placed<R, ScoreDType<D>>> &
  Member<G extends true ? true : S, 'statistics', Statistics<Placed<R, ScoreDType<D>>>> &
  Member<C, 'choice', Placed<R, 'int32'>> &
  Member<G, 'gradient', GradientOf<D>>;

/**
 * Attention on a backend: softmax(scale · Q Kᵀ + …) V (Vaswani et al., "Attention is all you need", section 3.2.1),
 * with the options of the request. The kernel for the problem is compiled once and kept.
 *
 * @returns the results that the flags of the request ask for, by default `output` alone; with `gradient: true` also
 * the function `gradient`, and the output and statistics that it needs.
 * @throws HeedError see {@link resolveRequest}; `UNSUPPORTED` when the backend does not declare what the request uses;
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
 *   weights: true,
 * });
 * console.log(weights.data.subarray(0, 3).join()); // 1,0,0
 * ```
 */
export async function attention<
  Q extends TensorLike,
  O extends Flag = true,
  W extends Flag = false,
  L extends Flag = false,
  S extends Flag = false,
  C extends Flag = false,
  G extends Flag = false,
  R extends Flag = false,
>(
  backend: AttentionBackend,
  request: AttentionRequest & {
    readonly query: Q;
    readonly output?: O;
    readonly weights?: W;
    readonly logSumExp?: L;
    readonly statistics?: S;
    readonly choice?: C;
    readonly gradient?: G;
  },
  options: RunOptions & { readonly resident?: R } = {},
): Promise<AttendedBy<FloatDTypeOf<Q>, R, O, W, L, S, C, G>> {
  assertBackend(backend);
  const { problem, inputs } = resolveRequest(withStatistics(request));
  checkRunOptions('attention()', options);
  const held = holdInputs(inputs);
  const results = await withKernel(backend, problem, (kernel) =>
    kernel.run(held.inputs, options as RunOptions),
  ).finally(held.release);
  if (!problem.gradient) return results as never;
  const forward = { output: results.output!, statistics: results.statistics! };
  const gradient = async (
    dOutput: TensorLike,
    given: GradientOptions & { readonly resident?: boolean } = {},
  ): Promise<unknown> => {
    checkOptions('gradient()', given, { signal: abortSignal, resident: flag, whole: true });
    const { whole, ...backward } = given;
    if (whole !== undefined) checkPartGradient(backend.name, backend.capabilities, problem);
    const dO = toTensor('dOutput', dOutput, 'float', problem.dtype);
    const back = holdInputs({ inputs, forward: { ...forward, dOutput: dO } satisfies GradientInputs });
    const work = async (): Promise<unknown> => {
      const inputsOfPart = whole === undefined ? {} : await partOf(problem, whole, back.inputs.forward);
      return withKernel(backend, problem, (kernel) =>
        kernel.gradient(
          back.inputs.inputs,
          { ...back.inputs.forward, ...inputsOfPart },
          backward as RunOptions,
        ),
      );
    };
    return work().finally(back.release);
  };
  return { ...results, gradient } as never;
}

/** The gradient's inputs for a part of all keys; reads what is resident. */
async function partOf(
  problem: AttentionProblem,
  whole: GradientOptions['whole'],
  forward: GradientInputs,
): Promise<Pick<GradientInputs, 'output' | 'dOutput' | 'isPart'>> {
  const plain = async (value: Tensor | ResidentTensor): Promise<Tensor> =>
    isResident(value) ? value.read() : value;
  const given = (name: string, value: unknown): Tensor =>
    toTensor(`${name} of whole`, value, 'float', problem.dtype) as Tensor;
  const all = {
    output: given('output', whole?.output),
    statistics: {
      rowMax: given('rowMax', whole?.statistics?.rowMax),
      rowSum: given('rowSum', whole?.statistics?.rowSum),
    },
    dOutput: await plain(forward.dOutput),
  };
  checkGradientInputs(problem, all);
  const { rowMax, rowSum } = forward.statistics;
  return partGradientInputs(
    { rowMax: await plain(rowMax), rowSum: await plain(rowSum) },
    all,
    problem.layout,
  );
}

/** Adds to the request what a gradient needs from the forward run. */
function withStatistics(request: AttentionRequest): AttentionRequest {
  return request?.gradient ? { ...request, output: true, statistics: true } : request;
}

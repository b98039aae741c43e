import { type AttentionBackend, type ComputeDType, HeedError } from '@heed/core';
import { checkOptions, oneOf, required } from '@heed/core/backend';
import { oneHead, withoutHead } from './attend-scores.ts';
import { type ForwardOptions, attend } from './attend.ts';
import { checkForward } from './check-forward.ts';
import { linear, linearGradient } from './matrix/linear.ts';
import { attendPredicted, checkPredictedScope } from './local-predictive.ts';
import { type MaskedScope, type PlainScope, withKeyMask } from './masks.ts';
import { count, FIRST_WEIGHTS } from './options.ts';
import { type PairAttention, type PairScore, attendPairs, dotScore, tanhScore } from './pair-scores.ts';
import { type NamedTensors, initialGlorot, initialUniform } from './parameters.ts';
import {
  type SingleHeadGradients,
  type SingleHeadInputs,
  type SingleHeadResults,
  gradientOf,
  singleHeadInputs,
  valueOrKey,
} from './single-head.ts';
import { type StateDict, copyParameters } from './state-dict/copy.ts';
import { type FloatTensor, sum } from './tensors.ts';
import { type FloatTensorLike, type WithTensors } from './tensor-like.ts';
import { leaveRaw } from './reactive.ts';

/** Options of {@link LuongAttention}. */
export interface LuongAttentionOptions {
  /**
   * Similarity of a query h_t and a key h_s: `dot` h_tᵀ h_s (queryDim = keyDim), `general` h_tᵀ W h_s,
   * `concat` vᵀ tanh(W [h_t; h_s]).
   */
  readonly score: 'dot' | 'general' | 'concat';
  /** Width of the queries. */
  readonly queryDim: number;
  /** Width of the keys. */
  readonly keyDim: number;
  /** Width of the hidden layer of `concat`. Default queryDim. */
  readonly attentionDim?: number | undefined;
  /**
   * Limits the keys to those at most `halfWidth` (D) from a position p_t. Default: all keys. `monotonic`, p_t = t
   * (local-m); `predictive`, p_t = S · sigmoid(v_pᵀ tanh(W_p h_t)) (local-p).
   */
  readonly local?: { readonly position: 'monotonic' | 'predictive'; readonly halfWidth: number } | undefined;
  /** Default `float32`. */
  readonly dtype?: ComputeDType | undefined;
  /** Uniform random numbers in [0, 1) for the first weights. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

/**
 * Luong's attention (Luong, Pham and Manning, "Effective approaches to attention-based neural machine translation",
 * 2015, section 3): three scores, global or local. In local-p the softmax is over the window alone, and the Gaussian
 * exp(−(s − p_t)² / 2σ²), σ = D / 2, multiplies its weights without normalizing them again (equation 10): they sum to
 * less than 1. Positions count from 0; S is the number of keys, or `keyLengths`.
 *
 * Parameters: `query.weight` (`general` `[keyDim, queryDim]`, which is Wᵀ of h_tᵀ W h_s; `concat` `[A, queryDim]`, the
 * columns of W for h_t), for `concat` also
 * `key.weight` `[A, keyDim]` and `score.weight` `[A]`; for local-p `position.weight` `[queryDim, queryDim]` (W_p) and
 * `position.score` `[queryDim]` (v_p).
 *
 * Scores are not scaled. Local-m is the contract's window; local-p gathers each query's 2D + 1 keys, so that its cost
 * grows with D and not with S, and takes `keyLengths` and `keyMask` of the scope.
 *
 * @example
 * ```ts
 * import { tensor } from '@heed/core';
 * import ts from '@heed/backend-ts';
 * import { LuongAttention } from '@heed/layers';
 *
 * const local = { position: 'monotonic', halfWidth: 1 } as const;
 * const layer = new LuongAttention({ score: 'dot', queryDim: 1, keyDim: 1, local });
 * const query = tensor(new Float32Array([0, 0]), [1, 2, 1]); // [B, Lq, E]
 * const key = tensor(new Float32Array([1, 2, 3, 4]), [1, 4, 1]); // [B, Lk, E]
 * console.log((await layer.forward(await ts.create(), { query, key })).output.data.join(' ')); // 1.5 2
 * ```
 */
export class LuongAttention {
  static {
    leaveRaw(this.prototype);
  }

  readonly parameters: NamedTensors;
  readonly #options: LuongAttentionOptions;

  /** @throws HeedError `ARGUMENT` or `UNKNOWN_OPTION`. */
  constructor(options: LuongAttentionOptions) {
    checkLuongOptions(options);
    this.#options = options;
    this.parameters = initialParameters(options);
  }

  /**
   * @throws HeedError `SHAPE`, `DTYPE`, `MISSING_INPUT`, `UNKNOWN_OPTION`; `ARGUMENT` if `backend` is not a backend, or
   * for a scope that local attention does not take; `UNSUPPORTED` when the backend lacks what is asked of it.
   */
  async forward<const O extends ForwardOptions = object>(
    backend: AttentionBackend,
    inputs: SingleHeadInputs,
    options?: O,
  ): Promise<SingleHeadResults<O>> {
    checkForward(backend, options);
    const { dtype = 'float32', queryDim, keyDim } = this.#options;
    const tensors = singleHeadInputs(inputs, dtype, queryDim, keyDim);
    const { query, key, value } = tensors;
    const attended = await this.#attend(backend, tensors, options ?? {});
    const results = {
      output: attended.output,
      ...(options?.weights && { weights: attended.weights }),
      ...(options?.gradient && {
        gradient: async (given: FloatTensorLike): Promise<SingleHeadGradients> => {
          const dOutput = gradientOf(attended.output, given);
          const inner = await attended.gradient(dOutput);
          const q = this.#unproject('query.weight', query, inner.dQuery);
          const k = this.#unproject('key.weight', key, inner.dKey);
          return {
            dQuery: inner.predicted ? sum(q.dInput, inner.predicted.dQuery) : q.dInput,
            ...valueOrKey(value, k.dInput, inner.dValue),
            parameters: {
              ...q.parameters,
              ...k.parameters,
              ...(inner.dVector && { 'score.weight': inner.dVector }),
              ...inner.predicted?.parameters,
            },
          };
        },
      }),
    };
    return results as unknown as SingleHeadResults<O>;
  }

  /**
   * Takes over trained parameters of the same names and shapes.
   *
   * @throws HeedError `MISSING_INPUT`, `UNEXPECTED_INPUT`, `SHAPE` or `DTYPE`; then nothing was changed.
   */
  loadStateDict(stateDict: StateDict): void {
    copyParameters(this.parameters, stateDict);
  }

  async #attend(
    backend: AttentionBackend,
    inputs: WithTensors<SingleHeadInputs>,
    options: ForwardOptions,
  ): Promise<PairAttention> {
    const { query, key, value = key, ...given } = inputs;
    const { local, score } = this.#options;
    const [batch, keys] = key.shape;
    if (local?.position === 'predictive') checkPredictedScope(given, batch, keys);
    const within = local?.position === 'monotonic' ? monotonic(given, local.halfWidth) : given;
    const scope = await withKeyMask(within, batch, keys);
    const q = this.#project('query.weight', query);
    const k = this.#project('key.weight', key);
    const pairsOf = (): PairScore =>
      score === 'concat' ? tanhScore(q, k, this.parameters['score.weight']) : dotScore(q, k);
    if (local?.position === 'predictive') {
      return attendPredicted(
        backend,
        query,
        value,
        pairsOf,
        this.parameters,
        local.halfWidth,
        given,
        options,
      );
    }
    return score === 'concat'
      ? attendPairs(backend, pairsOf, value, scope, options)
      : attendDots(backend, q, k, value, scope, options);
  }

  #project(name: string, input: FloatTensor): FloatTensor {
    const weight = this.parameters[name];
    return weight === undefined ? input : linear(input, weight);
  }

  #unproject(
    name: string,
    input: FloatTensor,
    d: FloatTensor,
  ): { dInput: FloatTensor; parameters: NamedTensors } {
    const weight = this.parameters[name];
    if (weight === undefined) return { dInput: d, parameters: {} };
    const { dInput, dWeight } = linearGradient(input, weight, d);
    return { dInput, parameters: { [name]: dWeight } };
  }
}

/** p_t = t: the window of the contract, whose row t is at key t. */
function monotonic(scope: PlainScope, halfWidth: number): PlainScope {
  if (scope.window || scope.alignment) {
    throw new HeedError('ARGUMENT', 'local-m has a window and an alignment of its own', {
      clause: 'window',
      remedy: 'leave out window and alignment, or the option local',
    });
  }
  return { ...scope, window: { left: halfWidth, right: halfWidth }, alignment: 'topLeft' };
}

async function attendDots(
  backend: AttentionBackend,
  query: FloatTensor,
  key: FloatTensor,
  value: FloatTensor,
  scope: MaskedScope,
  options: ForwardOptions,
): Promise<PairAttention> {
  const request = {
    query: oneHead(query),
    key: oneHead(key),
    value: oneHead(value),
    scale: 1,
    ...scope,
  };
  const attended = await attend(backend, request, options);
  return {
    output: withoutHead(attended.output),
    weights: attended.weights,
    async gradient(dOutput) {
      const { dQuery, dKey, dValue } = await attended.gradient(oneHead(dOutput));
      return {
        dQuery: withoutHead(dQuery),
        dKey: withoutHead(dKey),
        dValue: withoutHead(dValue),
        dVector: null,
      };
    },
  };
}

function checkLuongOptions(options: LuongAttentionOptions): void {
  checkOptions('LuongAttention', options, {
    score: required(oneOf('dot', 'general', 'concat')),
    queryDim: required(count),
    keyDim: required(count),
    attentionDim: count,
    local: true,
    ...FIRST_WEIGHTS,
  });
  const { score, queryDim, keyDim, local } = options;
  if (local !== undefined) {
    checkOptions('local', local, {
      position: required(oneOf('monotonic', 'predictive')),
      halfWidth: required(count),
    });
  }
  if (score === 'dot' && queryDim !== keyDim) {
    throw new HeedError(
      'ARGUMENT',
      `score dot requires equal widths; queryDim=${queryDim}, keyDim=${keyDim}`,
      {
        remedy: "use score 'general'",
      },
    );
  }
}

function initialParameters(options: LuongAttentionOptions): NamedTensors {
  const {
    score,
    queryDim,
    keyDim,
    attentionDim = queryDim,
    dtype = 'float32',
    random = Math.random,
  } = options;
  const vector = (width: number): FloatTensor => initialUniform(dtype, [width], 1 / Math.sqrt(width), random);
  return {
    ...(score === 'general' && { 'query.weight': initialGlorot(dtype, [keyDim, queryDim], random) }),
    ...(score === 'concat' && {
      'query.weight': initialGlorot(dtype, [attentionDim, queryDim], random),
      'key.weight': initialGlorot(dtype, [attentionDim, keyDim], random),
      'score.weight': vector(attentionDim),
    }),
    ...(options.local?.position === 'predictive' && {
      'position.weight': initialGlorot(dtype, [queryDim, queryDim], random),
      'position.score': vector(queryDim),
    }),
  };
}

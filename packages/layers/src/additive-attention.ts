import type { AttentionBackend, ComputeDType } from '@heed/core';
import { checkOptions, required } from '@heed/core/backend';
import type { ForwardOptions } from './attend.ts';
import { checkForward } from './check-forward.ts';
import { linear, linearGradient } from './matrix/linear.ts';
import { withKeyMask } from './masks.ts';
import { count, FIRST_WEIGHTS } from './options.ts';
import { attendPairs, tanhScore } from './pair-scores.ts';
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
import { type FloatTensorLike } from './tensor-like.ts';
import { leaveRaw } from './reactive.ts';

/** Options of {@link AdditiveAttention}. */
export interface AdditiveAttentionOptions {
  /** Width of the queries: the decoder's state. */
  readonly queryDim: number;
  /** Width of the keys: the encoder's annotations. */
  readonly keyDim: number;
  /** Width of the hidden layer that compares them. */
  readonly attentionDim: number;
  /** Default `float32`. */
  readonly dtype?: ComputeDType | undefined;
  /** Uniform random numbers in [0, 1) for the first weights. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

/**
 * Additive attention (Bahdanau, Cho and Bengio, "Neural machine translation by jointly learning to align and
 * translate", 2015, section 3.1 and appendix A.1.2): score(q, k) = vᵀ tanh(W q + U k), softmax over the keys.
 *
 * Parameters: `query.weight` `[A, queryDim]` (W), `key.weight` `[A, keyDim]` (U), `score.weight` `[A]` (v).
 * The scores are computed here, Lq · Lk · A of tanh; softmax, masks and values by the backend, which must declare
 * `bias` and `valueDim`.
 *
 * @example
 * ```ts
 * import { tensor } from '@heed/core';
 * import ts from '@heed/backend-ts';
 * import { AdditiveAttention } from '@heed/layers';
 *
 * const layer = new AdditiveAttention({ queryDim: 2, keyDim: 3, attentionDim: 8 });
 * const state = tensor(new Float32Array([1, -1]), [1, 1, 2]); // [B, Lq, queryDim]
 * const annotations = tensor(new Float32Array(12).fill(1), [1, 4, 3]); // [B, Lk, keyDim]
 * const { weights } = await layer.forward(await ts.create(), { query: state, key: annotations }, { weights: true });
 * console.log(weights.data.join(' ')); // 0.25 0.25 0.25 0.25
 * ```
 */
export class AdditiveAttention {
  static {
    leaveRaw(this.prototype);
  }

  readonly parameters: NamedTensors;
  readonly #options: AdditiveAttentionOptions;

  /** @throws HeedError `ARGUMENT` or `UNKNOWN_OPTION`. */
  constructor(options: AdditiveAttentionOptions) {
    checkOptions('AdditiveAttention', options, {
      queryDim: required(count),
      keyDim: required(count),
      attentionDim: required(count),
      ...FIRST_WEIGHTS,
    });
    const { queryDim, keyDim, attentionDim, dtype = 'float32', random = Math.random } = options;
    this.#options = options;
    this.parameters = {
      'query.weight': initialGlorot(dtype, [attentionDim, queryDim], random),
      'key.weight': initialGlorot(dtype, [attentionDim, keyDim], random),
      'score.weight': initialUniform(dtype, [attentionDim], 1 / Math.sqrt(attentionDim), random),
    };
  }

  /**
   * @throws HeedError `SHAPE`, `DTYPE`, `MISSING_INPUT`, `UNKNOWN_OPTION`, `ARGUMENT`; `UNSUPPORTED` when the backend lacks what
   * is asked of it.
   */
  async forward<const O extends ForwardOptions = object>(
    backend: AttentionBackend,
    inputs: SingleHeadInputs,
    options?: O,
  ): Promise<SingleHeadResults<O>> {
    checkForward(backend, options);
    const { dtype = 'float32', queryDim, keyDim } = this.#options;
    const { query, key, value, ...scoped } = singleHeadInputs(inputs, dtype, queryDim, keyDim);
    const scope = await withKeyMask(scoped, key.shape[0], key.shape[1]);
    const { 'query.weight': queryWeight, 'key.weight': keyWeight, 'score.weight': vector } = this.parameters;
    const pairsOf = () => tanhScore(linear(query, queryWeight), linear(key, keyWeight), vector);
    const attended = await attendPairs(backend, pairsOf, value ?? key, scope, options ?? {});
    const results = {
      output: attended.output,
      ...(options?.weights && { weights: attended.weights }),
      ...(options?.gradient && {
        gradient: async (given: FloatTensorLike): Promise<SingleHeadGradients> => {
          const dOutput = gradientOf(attended.output, given);
          const inner = await attended.gradient(dOutput);
          const q = linearGradient(query, queryWeight, inner.dQuery);
          const k = linearGradient(key, keyWeight, inner.dKey);
          return {
            dQuery: q.dInput,
            ...valueOrKey(value, k.dInput, inner.dValue),
            parameters: {
              'query.weight': q.dWeight,
              'key.weight': k.dWeight,
              'score.weight': inner.dVector!,
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
}

import { type ComputeDType, HeedError } from '@heed/core';
import { checkOptions, flag, integer, required, text, zeros } from '@heed/core/backend';
import { FIRST_WEIGHTS, count } from './options.ts';
import { type NamedTensors, initialUniform } from './parameters.ts';
import { leaveRaw } from './reactive.ts';
import { type StateDict, copyParameters, underPrefix } from './state-dict/copy.ts';
import { type FloatTensorLike, floatTensor } from './tensor-like.ts';
import { type FloatTensor, checkShape } from './tensors.ts';

/** Options of {@link RelativePositionBias}. */
export interface RelativePositionBiasOptions {
  /** H, the number of query heads. */
  readonly heads: number;
  /** The number of buckets, a multiple of 4. Default 32. */
  readonly buckets?: number | undefined;
  /** Distance from which all share the last bucket. Default 128. */
  readonly maxDistance?: number | undefined;
  /** Gives keys after the query their own buckets; a decoder has no such keys. Default true. */
  readonly bidirectional?: boolean | undefined;
  /** Default `float32`. */
  readonly dtype?: ComputeDType | undefined;
  /** Uniform random numbers in [0, 1) for the first weights. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

/** The queries and keys that a bias `[1, H, Lq, Lk]` is made for. */
export interface RelativePositionLengths {
  /** Lq. */
  readonly queries: number;
  /** Lk. Default Lq. */
  readonly keys?: number | undefined;
  /** Position of the first query among the keys. Default 0. */
  readonly offset?: number | undefined;
}

/**
 * The relative position bias of T5 (Raffel et al., "Exploring the limits of transfer learning", 2020, section 2.1): a number
 * for each head and bucket of distances, `weight` `[buckets, H]`. Short distances have a bucket each, longer ones share them
 * logarithmically. One of these serves all blocks of a model: its result is the `bias` of their attention.
 *
 * @example
 * ```ts
 * import { RelativePositionBias } from '@heed/layers';
 *
 * const positions = new RelativePositionBias({ heads: 2 });
 * console.log(positions.forward({ queries: 3 }).shape.join(' × ')); // 1 × 2 × 3 × 3
 * ```
 */
export class RelativePositionBias {
  static {
    leaveRaw(this.prototype);
  }

  readonly parameters: NamedTensors;
  readonly #dtype: ComputeDType;
  readonly #bidirectional: boolean;
  readonly #maxDistance: number;

  /** @throws HeedError `ARGUMENT` or `UNKNOWN_OPTION`. */
  constructor(options: RelativePositionBiasOptions) {
    checkOptions('RelativePositionBias', options, {
      heads: required(count),
      buckets: integer(4),
      maxDistance: count,
      bidirectional: flag,
      ...FIRST_WEIGHTS,
    });
    const { heads, buckets = 32, maxDistance = 128, bidirectional = true } = options;
    const { dtype = 'float32', random = Math.random } = options;
    if (buckets % 4 !== 0 || maxDistance <= buckets / 2) {
      throw new HeedError(
        'ARGUMENT',
        `RelativePositionBias: buckets is ${buckets} and maxDistance ${maxDistance}; expected a multiple of 4 and more than half of it`,
        { remedy: 'choose other numbers: T5 has 32 buckets and a maxDistance of 128' },
      );
    }
    this.#dtype = dtype;
    this.#bidirectional = bidirectional;
    this.#maxDistance = maxDistance;
    this.parameters = { weight: initialUniform(dtype, [buckets, heads], 1 / Math.sqrt(buckets), random) };
  }

  /**
   * @returns `[1, H, Lq, Lk]`.
   * @throws HeedError `ARGUMENT` or `UNKNOWN_OPTION`.
   */
  forward(lengths: RelativePositionLengths): FloatTensor {
    const { weight } = this.parameters;
    const { queries, keys, bucketAt } = this.#buckets(lengths);
    const heads = weight.shape[1];
    const output = zeros(this.#dtype, [1, heads, queries, keys]);
    for (let n = 0; n < output.data.length; n++) {
      const h = Math.floor(n / (queries * keys));
      output.data[n] = weight.data[bucketAt(n) * heads + h];
    }
    return output;
  }

  /**
   * @param lengths what {@link forward} was given.
   * @param given the gradient `dBias` of the attention, `[1, H, Lq, Lk]`.
   */
  gradient(lengths: RelativePositionLengths, given: FloatTensorLike): { readonly parameters: NamedTensors } {
    const { shape } = this.parameters['weight'];
    const { queries, keys, bucketAt } = this.#buckets(lengths);
    const dOutput = floatTensor('dOutput', given, this.#dtype);
    checkShape('dOutput', dOutput, this.#dtype, [
      ['B', 1],
      ['H', shape[1]],
      ['Lq', queries],
      ['Lk', keys],
    ]);
    const dWeight = zeros(this.#dtype, shape);
    dOutput.data.forEach((d, n) => {
      dWeight.data[bucketAt(n) * shape[1] + Math.floor(n / (queries * keys))] += d;
    });
    return { parameters: { weight: dWeight } };
  }

  /**
   * Takes over a trained `weight`, or the `relative_attention_bias.weight` of T5's first block.
   *
   * @param options.prefix only the names that begin with it are looked at, and of those no projections:
   * `encoder.block.0.layer.0.SelfAttention.`
   * @throws HeedError `MISSING_INPUT`, `SHAPE`, `DTYPE`, `ARGUMENT` or `UNKNOWN_OPTION`; then nothing was changed.
   */
  loadStateDict(stateDict: StateDict, options: { readonly prefix?: string | undefined } = {}): void {
    checkOptions('loadStateDict()', options, { prefix: text });
    const dict = underPrefix(stateDict, options.prefix ?? '');
    const weight = dict['relative_attention_bias.weight'] ?? dict['weight'];
    copyParameters(this.parameters, weight === undefined ? {} : { weight });
  }

  #buckets(lengths: RelativePositionLengths): {
    readonly queries: number;
    readonly keys: number;
    /** Returns the bucket of an element of `[…, Lq, Lk]`. */
    bucketAt(element: number): number;
  } {
    checkOptions('forward()', lengths, { queries: required(count), keys: count, offset: integer(-Infinity) });
    const { queries, keys = queries, offset = 0 } = lengths;
    return {
      queries,
      keys,
      bucketAt: (n) => this.#bucketOf((n % keys) - ((Math.floor(n / keys) % queries) + offset)),
    };
  }

  /** @param distance from the query to the key. */
  #bucketOf(distance: number): number {
    const all = this.parameters['weight'].shape[0];
    const half = this.#bidirectional ? all / 2 : all;
    const start = this.#bidirectional && distance > 0 ? half : 0;
    const size = this.#bidirectional ? Math.abs(distance) : Math.max(0, -distance);
    const exact = half / 2;
    if (size < exact) return start + size;
    // In float32, as in PyTorch: distances at the border of two buckets fall into the same one.
    const share = Math.fround(Math.log(size / exact)) / Math.log(this.#maxDistance / exact);
    return start + Math.min(half - 1, exact + Math.floor(Math.fround(share * (half - exact))));
  }
}

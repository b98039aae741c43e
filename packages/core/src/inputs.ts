import type { ResidentTensor, Tensor } from './tensor.ts';

/**
 * Place of a problem in a larger one of which it computes a part: indices of its first batch element, query head, query
 * row and key there. Integers, 0 ≤ n < 2³¹.
 */
export interface Origin {
  readonly batch: number;
  readonly head: number;
  readonly query: number;
  readonly key: number;
}

/**
 * The tensors of one run. The problem determines which are present; shapes are those of SPEC.md, clause `shape`,
 * in the problem's layout.
 */
export interface AttentionInputs<T = Tensor | ResidentTensor> {
  /** `[B, Hq, Lq, D]`, or `[B, Lq, Hq, D]` in layout `blhd`. */
  readonly query: T;
  /**
   * `[B, Hkv, Lk, D]`, or `[B, Lk, Hkv, D]`, in the problem's `cacheType`; its batch is `kvBatch`.
   * A pool of pages is `[pages, Hkv, size, D]`, or `[pages, size, Hkv, D]`. In `int4x2` the last axis is D / 2.
   */
  readonly key: T;
  /** `[B, Hkv, Lk, Dv]`, or `[B, Lk, Hkv, Dv]`, like the key; the key itself if the problem has `valueFromKey`. */
  readonly value: T;
  /** float32, the shape of the key with D / group as its last axis: what the numbers of a group are multiplied by. */
  readonly keyScales?: T;
  /** The same for the value. */
  readonly valueScales?: T;
  /** int32 `[B, Lk / page size]`: the page of the pool that has the keys, or −1 where there are none. */
  readonly blockTable?: Tensor<'int32'>;
  /** Broadcasts right-aligned against `[B, Hq, Lq, Lk]`. Boolean: true may attend. Float: added; −∞ excludes. */
  readonly mask?: T;
  /** Float; broadcasts and excludes as a float mask does, and may have a gradient. */
  readonly bias?: T;
  /** int32 `[B]`: the offset of alignment `offset`. */
  readonly offsets?: Tensor<'int32'>;
  /** int32 `[B]`: keys at and past the length do not exist. */
  readonly keyLengths?: Tensor<'int32'>;
  /** int32 `[B]`: keys before the start do not exist. */
  readonly keyStarts?: Tensor<'int32'>;
  /** int32 `[B]`: query rows at and past the length are empty. */
  readonly queryLengths?: Tensor<'int32'>;
  /** int32 `[B, Lq]`. */
  readonly querySegments?: T;
  /** int32 `[B, Lk]`. */
  readonly keySegments?: T;
  /** `[Hq]`: score − slope · |p − j|. */
  readonly alibiSlopes?: T;
  /** `[Hq]`: a logit that joins the softmax's denominator and carries no value. */
  readonly sinks?: T;
  /** Seed of selection `sample`, or of dropout: an integer, 0 ≤ seed < 2⁵³. */
  readonly seed?: number;
  /** Place of this problem in a larger one, for the noise of selection `sample` or of dropout. */
  readonly origin?: Origin;
}

/** Inputs of {@link AttentionKernel.gradient} besides those of the forward run. */
export interface GradientInputs<T = Tensor | ResidentTensor> {
  /** The forward output. */
  readonly output: T;
  /**
   * The forward statistics. The kernel uses those that its own `run()` returned as they are. They may also come from
   * elsewhere, such as another backend or `mergeAttention`: then the kernel runs forward once more, since scores with
   * another rounding would make wrong weights.
   */
  readonly statistics: Statistics<T>;
  /** The gradient of the loss with respect to the output, in its shape. */
  readonly dOutput: T;
  /**
   * True if the keys are a part of all keys: `output` is that over all keys, and `dOutput` is multiplied by the part's
   * share of each row. The mean of a row is then dOutput · output, as given, and nothing else. Requires
   * `capabilities.partGradients`. Default false.
   */
  readonly isPart?: boolean;
}

/** Row maximum and row sum of the softmax, kept apart: a rounded logarithm would lose digits of large scores. */
export interface Statistics<T = Tensor> {
  /** `[B, Hq, Lq]`: the largest score of the row, including the sink; −∞ in an empty row. */
  readonly rowMax: T;
  /**
   * `[B, Hq, Lq]`: Σ exp(score − rowMax), including the sink; 0 in an empty row. It is relative to rowMax as returned,
   * after rounding, so that the pair is exact where rowMax alone cannot be. If rounding moves rowMax by more than 64
   * (float32, scores from 2³¹ on), it is relative to the largest score.
   */
  readonly rowSum: T;
}

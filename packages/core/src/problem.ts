import type { FloatDType, QuantizedDType } from './tensor.ts';

/** Element types in which keys and values are stored. */
export type CacheType = FloatDType | QuantizedDType;

/** The order of axes of query, key, value, output and their gradients: `[B, H, L, D]` or `[B, L, H, D]`. */
export type Layout = 'bhld' | 'blhd';

/**
 * Position of query row i among the keys: p = i + offset.
 * `topLeft`: offset 0. `bottomRight`: the last query is at the last key. `offset`: given at run time.
 */
export type AlignmentKind = 'topLeft' | 'bottomRight' | 'offset';

/** Soft attention, or one of the two kinds of hard attention. */
export type Selection = 'softmax' | 'argmax' | 'sample';

/** Names of the results that a kernel can return. */
export type OutputName = 'output' | 'weights' | 'logSumExp' | 'statistics' | 'choice';

/** A shape that broadcasts against `[B, Hq, Lq, Lk]`: each length is 1 or the full one. */
export type BroadcastShape = readonly [number, number, number, number];

/**
 * Description of a call: everything except the numbers in its tensors. Plain JSON data in one normal form, so that it
 * can be logged, sent to a worker, or used as a cache key. {@link resolveRequest} derives it from a request.
 *
 * Dimension letters, here and in errors: B batch, Hq query heads, Hkv key/value heads, Lq query length,
 * Lk key length, D head size of queries and keys, Dv head size of values.
 */
export interface AttentionProblem {
  readonly batch: number;
  readonly heads: number;
  readonly kvHeads: number;
  /** Batch elements of keys and values: B, or 1 if the whole batch reads the same ones. */
  readonly kvBatch: number;
  readonly queryLength: number;
  readonly keyLength: number;
  readonly headDim: number;
  readonly valueDim: number;
  readonly dtype: FloatDType;
  /** Element type of keys and values: `dtype`, or a smaller one. */
  readonly cacheType: CacheType;
  /** Numbers of a key and of a value that share a scale, each 32 or all of its row; null unless they are quantized. */
  readonly groups: { readonly key: number; readonly value: number } | null;
  /**
   * Keys and values lie in a pool of `count` pages, each of `size` keys of one batch element; null if they are one row.
   * Lk is then the number of pages of an element times `size`.
   */
  readonly pages: { readonly count: number; readonly size: number } | null;
  /** True if key j lies at j mod Lk, so that only the last Lk keys before the key length exist. */
  readonly ring: boolean;
  /** The part of a key's row that is its value; null if values are apart. */
  readonly valueFromKey: { readonly start: number; readonly length: number } | null;
  readonly layout: Layout;
  /** Factor of Q·Kᵀ. */
  readonly scale: number;
  /** Bound c of c · tanh(score / c), or null for none. */
  readonly softcap: number | null;
  /** Null exactly if neither causal, window nor alibi needs it. */
  readonly alignment: AlignmentKind | null;
  readonly causal: boolean;
  /** Keys from p − left to p + right, both inclusive; a null side is unbounded. */
  readonly window: { readonly left: number | null; readonly right: number | null } | null;
  readonly mask: { readonly kind: 'boolean' | 'float'; readonly shape: BroadcastShape } | null;
  readonly bias: { readonly shape: BroadcastShape } | null;
  /** True for those of keyLengths, keyStarts and queryLengths that are given at run time. */
  readonly lengths: { readonly key: boolean; readonly keyStart: boolean; readonly query: boolean };
  readonly segments: boolean;
  readonly alibi: boolean;
  readonly sinks: boolean;
  readonly selection: Selection;
  /**
   * True if the noise of selection `sample` or of dropout is that of a part of a larger problem, whose place is given at
   * run time.
   */
  readonly origin: boolean;
  /** Probability p with which dropout takes a weight to be 0, 0 < p < 1; null for none. */
  readonly dropout: number | null;
  readonly outputs: readonly OutputName[];
  /** True if the kernel's gradient() will be called. */
  readonly gradient: boolean;
}

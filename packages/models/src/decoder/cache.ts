import type { DecoderCacheType } from './memory.ts';

/** Options of `Decoder.cache()`. */
export interface DecoderCacheOptions {
  /** B, the number of texts that grow side by side. Default 1. */
  readonly batch?: number | undefined;
  /** The number of tokens that a text may have. Default: that of the model's training. */
  readonly capacity?: number | undefined;
  /**
   * Storage of keys and values, where the backend has the feature `cache.TYPE`: 16 bits are half the memory and traffic of float32,
   * `int8` little over a quarter, `int4x2` (4 bits) half of that. Default `float32`.
   */
  readonly type?: DecoderCacheType | undefined;
}

/**
 * Keys and values of the tokens so far, of each layer. Created by `model.cache()` and passed to
 * `model.run()`, one run at a time. Free it with `dispose()`.
 */
export interface DecoderCache {
  /** B. */
  readonly batch: number;
  readonly capacity: number;
  readonly type: DecoderCacheType;
  /** The number of tokens that are kept of each text. */
  readonly lengths: readonly number[];

  /**
   * Forgets all but the first tokens of each text, so that another continuation of the same prompt costs only its own
   * tokens.
   *
   * @param length of all texts, or of each.
   * @throws HeedError `ARGUMENT`.
   */
  truncate(length: number | readonly number[]): void;

  /**
   * Creates a cache of some of the texts, each as often as it is named: a prompt's cache for several beams.
   *
   * @throws HeedError `ARGUMENT`; `OUT_OF_MEMORY`.
   */
  gather(texts: readonly number[]): Promise<DecoderCache>;

  /**
   * Reorders in place: text b becomes what text `texts[b]` was.
   *
   * @throws HeedError `ARGUMENT`, `SHAPE`.
   */
  reorder(texts: readonly number[]): Promise<void>;

  /** Frees the memory. */
  dispose(): void;
}

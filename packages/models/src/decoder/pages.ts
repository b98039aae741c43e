import type { DecoderCacheType } from './memory.ts';

/** Options of `Decoder.pages()`. */
export interface DecoderPagesOptions {
  /** The number of pages, which all texts share. */
  readonly pages: number;
  /** Tokens of a page. Default 16. */
  readonly pageSize?: number | undefined;
  /** The number of tokens that a text may have. Default: that of the model's training. */
  readonly capacity?: number | undefined;
  /** Storage of keys and values, as in a cache of rows. Default `float32`. */
  readonly type?: DecoderCacheType | undefined;
}

/**
 * Keys and values of texts that come and go, in pages that they share (Kwon et al., "Efficient memory management for large language
 * model serving with PagedAttention", SOSP 2023). Created by `model.pages()`; `model.step()` runs tokens of some of the texts. Texts
 * are named by numbers. Free the memory with `dispose()`.
 */
export interface DecoderPages {
  readonly pages: number;
  readonly pageSize: number;
  /** The number of tokens that a text may have. */
  readonly capacity: number;
  readonly type: DecoderCacheType;
  /** The number of pages that no text holds. */
  readonly free: number;

  /**
   * Begins a text.
   *
   * @param ids that it is going to have, where they are known. It then begins with the whole pages that an open text has of them, all
   *   but the last id at most: {@link lengthOf} tells how many tokens need not run.
   * @returns its number.
   * @throws HeedError `ARGUMENT`, also during a step.
   */
  open(ids?: readonly number[]): number;

  /**
   * Begins a text with all that another has: they share its pages. The page that either goes on to write is copied then.
   *
   * @returns its number.
   * @throws HeedError `ARGUMENT` for a text that is not open, and during a step.
   */
  fork(text: number): number;

  /**
   * Returns the number of tokens that a text has.
   *
   * @throws HeedError `ARGUMENT` for a text that is not open.
   */
  lengthOf(text: number): number;

  /**
   * Forgets all but the first tokens of a text.
   *
   * @throws HeedError `ARGUMENT` for a text that is not open, a length that it does not have, and during a step.
   */
  truncate(text: number, length: number): void;

  /**
   * Ends a text, at any time. Pages that no other text holds are free, during a step once it has ended.
   *
   * @throws HeedError `ARGUMENT` for a text that is not open.
   */
  close(text: number): void;

  /** Frees the memory. */
  dispose(): void;
}

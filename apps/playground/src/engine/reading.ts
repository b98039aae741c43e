/** A language model that the page has opened. */
export interface LanguageModel {
  readonly name: string;
  readonly layers: number;
  readonly heads: number;
  /** Largest number of tokens that the page reads with it. */
  readonly positions: number;
}

/** Progress of a download, in bytes; `total` is null where the server does not tell. */
export interface DownloadProgress {
  readonly loaded: number;
  readonly total: number | null;
}

/** A token that may come next. */
export interface NextToken {
  readonly id: number;
  readonly text: string;
  readonly probability: number;
  /** True for a token that ends a text. */
  readonly isEnd: boolean;
}

/** A text as the model has read it. */
export interface Reading {
  readonly text: string;
  readonly tokens: readonly string[];
  readonly layers: number;
  readonly heads: number;
  /** `[layers, H, L, L]`. */
  readonly weights: Float32Array;
  /** The likeliest next tokens, the likeliest first. */
  readonly next: readonly NextToken[];
  /** Number of tokens that were not known from the text before. */
  readonly computed: number;
  readonly device: string;
  readonly milliseconds: number;
}

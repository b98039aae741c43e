/** Fields of an item's record of each of its query rows: bytes from the start of the record. */
export const RECORD = {
  /** Keys first … end − 1 are those that causal, window and lengths leave; NO_KEYS and 0 when there are none. */
  first: 0,
  end: 4,
  /** True if something in the query is non-finite. */
  nonFinite: 8,
  /** Position among the queries. */
  index: 12,
  head: 16,
  /** Position in [B, Hq, Lq]. */
  place: 20,
  /** Address of the row of the output. */
  output: 24,
  /** Addresses of the mask's and bias' entries for key 0. */
  mask: 28,
  bias: 32,
  segment: 36,
  choice: 40,
  /** In the gradient: true if the row attends to nothing. */
  empty: 44,
  /** Elements: row maximum and row sum so far; the sum is relative to the maximum. */
  max: 48,
  sum: 56,
  /** Element: ALiBi's slope. */
  slope: 64,
  /** f64: position among the keys. */
  position: 72,
  /** f64: the largest score so far, noise included, of hard attention. */
  best: 80,
  /** Element, in the gradient: rowsum(dO ∘ O). For 16-bit types f64 until all keys are summed. */
  mean: 88,
  /** Address of the bias' gradient for key 0. */
  dBias: 96,
} as const;

export const RECORD_BYTES = 112;

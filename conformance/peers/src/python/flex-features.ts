import type { Feature } from '@heed/core';

/** Features of `flex_attention`, compiled or not: what is not a plain product is a `mask_mod` or a `score_mod`. */
export const FLEX_FEATURES: readonly Feature[] = [
  'valueDim',
  'gqa',
  'mask.boolean',
  'mask.float',
  'bias',
  'alignment.bottomRight',
  'alignment.offset',
  'causal',
  'window',
  'lengths.key',
  'lengths.query',
  'segments',
  'alibi',
  'softcap',
];

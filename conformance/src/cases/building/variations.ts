import type { Sketch } from '../../sketch.ts';

/** More queries and keys than most engines work on together, and no multiple of a power of 2. */
export const MANY_TILES: Sketch = { batch: 1, heads: 1, queryLength: 131, keyLength: 300, headDim: 4 };

/** Every soft feature once, on small lengths: the clauses of outputs and gradients go through them all. */
export const VARIATIONS: Readonly<Record<string, Sketch>> = {
  plain: {},
  'more-keys': { queryLength: 5, keyLength: 9 },
  'more-queries': { queryLength: 9, keyLength: 5 },
  'one-query': { queryLength: 1, keyLength: 9 },
  'one-key': { queryLength: 9, keyLength: 1 },
  'no-keys': { keyLength: 0 },
  'no-queries': { queryLength: 0, keyLength: 5 },
  // Engines broadcast to no elements in ways of their own where all other axes are 1.
  'no-queries-of-one-head': { batch: 1, heads: 1, queryLength: 0, keyLength: 5 },
  'no-queries-of-one-head-sinks': { batch: 1, heads: 1, queryLength: 0, keyLength: 5, sinks: true },
  scale: { scale: 0.3 },
  peaked: { spread: 8 },
  'layout-blhd': { layout: 'blhd', queryLength: 5, keyLength: 9 },
  'value-size': { valueDim: 5 },
  gqa: { heads: 6, kvHeads: 2 },
  'gqa-one-key-head': { heads: 3, kvHeads: 1, layout: 'blhd' },
  'boolean-mask': { mask: { kind: 'boolean', shape: [2, 2, 7, 7] } },
  'boolean-mask-of-keys': { mask: { kind: 'boolean', shape: [2, 1, 1, 7] } },
  'float-mask': { mask: { kind: 'float', shape: [2, 1, 7, 7] } },
  bias: { bias: { shape: [2, 2, 7, 7] } },
  'bias-with-exclusions': { bias: { shape: [2, 1, 7, 7], excluded: 0.4 } },
  causal: { causal: true },
  'causal-bottom-right': { causal: true, queryLength: 5, keyLength: 9, alignment: 'bottomRight' },
  'causal-offsets': { causal: true, queryLength: 5, keyLength: 9, alignment: { offset: [3, -2] } },
  window: { window: { left: 2, right: 1 } },
  'window-causal': {
    window: { left: 2 },
    causal: true,
    queryLength: 5,
    keyLength: 9,
    alignment: 'bottomRight',
  },
  'key-lengths': { keyLengths: [3, 7] },
  'key-starts': { keyStarts: [3, 0] },
  'query-lengths': { queryLengths: [5, 2] },
  'lengths-bottom-right': {
    causal: true,
    keyLengths: [6, 4],
    queryLengths: [5, 7],
    alignment: 'bottomRight',
  },
  segments: { segments: 'packed', causal: true },
  'segments-scattered': { segments: 'scattered', queryLength: 5, keyLength: 9 },
  alibi: { alibi: true },
  'alibi-bottom-right': { alibi: true, queryLength: 5, keyLength: 9, alignment: 'bottomRight' },
  softcap: { softcap: 1.5 },
  sinks: { sinks: true },
  'sinks-and-empty-rows': { sinks: true, queryLengths: [4, 7], keyLengths: [7, 0] },
  'across-tiles': { batch: 1, queryLength: 65, keyLength: 67, headDim: 4 },
};

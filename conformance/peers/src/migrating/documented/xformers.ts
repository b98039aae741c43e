import type { Tensor } from '@heed/core';
import { type Inputs, rows } from '../inputs.ts';
import { attentionOf } from './attention-of.ts';
import type { DocumentedPair } from './documented.ts';
import { type Named, heed, named, square } from './named.ts';

/** A class of `attn_bias`: the pairs of query and key that it lets through, and the lengths of both. */
type Allowed = (i: number, j: number, queries: number, keys: number) => boolean;

/** `memory_efficient_attention`: "softmax(query · scale · keyᵀ + attn_bias) · value". */
function xformers(
  tensors: Named,
  allowed?: Allowed,
  options: { readonly bias?: Tensor; readonly scale?: number } = {},
): ReturnType<typeof attentionOf> {
  const [queries, keys] = [tensors.query.shape[1]!, tensors.key.shape[1]!];
  const { bias, scale } = options;
  return attentionOf({
    ...tensors,
    ...(scale !== undefined && { scale }),
    ...(bias !== undefined && {
      score: (score, b, h, i, j) => score + bias.data[((b * 4 + h) * queries + i) * keys + j]!,
    }),
    ...(allowed !== undefined && { allowed: (i, j) => allowed(i, j, queries, keys) }),
  });
}

/** "A lower-triangular attention mask": the first query is at the first key. */
const lowerTriangular: Allowed = (i, j) => j <= i;
/** "The causal mask is right-aligned": the last query is at the last key. */
const fromBottomRight: Allowed = (i, j, queries, keys) => j <= i + keys - queries;
/** "Each query attends to at most `window_size` keys", its own included. */
const localCausal =
  (size: number): Allowed =>
  (i, j, queries, keys) =>
    fromBottomRight(i, j, queries, keys) && j > i + keys - queries - size;
/** "Query at position q can attend keys from q − left to q + right", from the bottom right. */
const local =
  (left: number, right: number): Allowed =>
  (i, j, queries, keys) =>
    j >= i + keys - queries - left && j <= i + keys - queries + right;

const SEGMENTS: Tensor = {
  dtype: 'int32',
  shape: [2, 5],
  data: Int32Array.of(0, 0, 0, 1, 1, 0, 0, 0, 1, 1),
};
/** Blocks of 3 and 2 rows. */
const blocks: Allowed = (i, j) => i < 3 === j < 3;

/** Keys and queries with an axis of groups between length and heads: two groups of two heads. */
const grouped = (x: Inputs): Named => ({ query: rows(x.q), key: rows(x.k2), value: rows(x.v2) });

export const XFORMERS: Readonly<Record<string, readonly DocumentedPair[]>> = {
  "`query`, `key`, `value`: `[B, M, H, K]`; the value's last axis may differ": [
    { there: (x) => xformers(named(x)), here: (x) => heed(named(x), { logSumExp: true }) },
  ],
  '5 axes, `[B, M, G, H, K]`, for fewer heads of keys': [
    { there: (x) => xformers(grouped(x)), here: (x) => heed(grouped(x), { logSumExp: true }) },
  ],
  '`attn_bias`, a tensor, its −∞ too': [
    {
      there: (x) => xformers(named(x), undefined, { bias: x.bias }),
      here: (x) => heed(named(x), { bias: x.bias, logSumExp: true }),
    },
    {
      there: (x) => xformers(named(x), undefined, { bias: withExclusions(x.bias) }),
      here: (x) => heed(named(x), { bias: withExclusions(x.bias), logSumExp: true }),
    },
  ],
  '`LowerTriangularMask()`': [
    {
      there: (x) => xformers(named(x), lowerTriangular),
      here: (x) => heed(named(x), { causal: true, alignment: 'topLeft', logSumExp: true }),
    },
  ],
  '`LowerTriangularMaskWithTensorBias(bias)`': [
    {
      there: (x) => xformers(named(x), lowerTriangular, { bias: x.bias }),
      here: (x) => heed(named(x), { causal: true, alignment: 'topLeft', bias: x.bias, logSumExp: true }),
    },
  ],
  '`LowerTriangularFromBottomRightMask()`': [
    {
      there: (x) => xformers(named(x), fromBottomRight),
      here: (x) => heed(named(x), { causal: true, alignment: 'bottomRight', logSumExp: true }),
    },
  ],
  '`LowerTriangularFromBottomRightLocalAttentionMask(w)`': [
    {
      there: (x) => xformers(named(x), localCausal(2)),
      here: (x) =>
        heed(named(x), {
          causal: true,
          alignment: 'bottomRight',
          window: { left: 1, right: null },
          logSumExp: true,
        }),
    },
  ],
  '`LocalAttentionFromBottomRightMask(window_left, window_right)`': [
    {
      there: (x) => xformers(named(x), local(2, 1)),
      here: (x) =>
        heed(named(x), { window: { left: 2, right: 1 }, alignment: 'bottomRight', logSumExp: true }),
    },
  ],
  '`BlockDiagonalMask`': [
    {
      there: (x) => xformers(square(x), blocks),
      here: (x) => heed(square(x), { querySegments: SEGMENTS, keySegments: SEGMENTS, logSumExp: true }),
    },
  ],
  '`BlockDiagonalCausalMask`, of equal lengths of queries and keys': [
    {
      there: (x) => xformers(square(x), (i, j) => blocks(i, j, 5, 5) && j <= i),
      here: (x) =>
        heed(square(x), {
          querySegments: SEGMENTS,
          keySegments: SEGMENTS,
          causal: true,
          logSumExp: true,
        }),
    },
  ],
  '`scale`; default 1/√K': [
    {
      there: (x) => xformers(named(x), undefined, { scale: 0.7 }),
      here: (x) => heed(named(x), { scale: 0.7, logSumExp: true }),
    },
  ],
  '`memory_efficient_attention_forward_requires_grad` → `(out, lse)`': [
    { there: (x) => xformers(named(x)), here: (x) => heed(named(x), { logSumExp: true }) },
  ],
};

/** Every third number is −∞. */
function withExclusions(bias: Tensor): Tensor {
  return {
    ...bias,
    data: Float32Array.from(bias.data, (number, n) => (n % 3 === 1 ? -Infinity : number)),
  } as Tensor;
}

import type { Tensor } from '@heed/core';
import { type Inputs, listOf, rows } from '../inputs.ts';
import { attentionOf } from './attention-of.ts';
import type { DocumentedPair } from './documented.ts';
import { type Named, heed, named, square } from './named.ts';

/** Arguments of `flash_attn_func`, with its defaults. */
interface FlashAttention {
  readonly softmax_scale?: number;
  readonly causal?: boolean;
  readonly window_size?: readonly [number, number];
  readonly softcap?: number;
  readonly alibi_slopes?: Tensor;
  /** Argument of `flash_attn_with_kvcache`. */
  readonly cache_seqlens?: readonly number[];
}

/**
 * `flash_attn_func` as its docstring has it: "the causal mask is aligned to the bottom right corner of the attention
 * matrix", "query at position i will only attend to keys between [i + seqlen_k - seqlen_q - window_size[0],
 * i + seqlen_k - seqlen_q + window_size[1]] inclusive", "(-alibi_slope * |i + seqlen_k - seqlen_q - j|)", "If the row of
 * the mask is all zero, the output will be zero".
 */
function flashAttention(tensors: Named, options: FlashAttention = {}): ReturnType<typeof attentionOf> {
  const { causal = false, window_size: [left, right] = [-1, -1], softcap = 0, alibi_slopes } = options;
  const queries = tensors.query.shape[1]!;
  const keysOf = (b: number): number => options.cache_seqlens?.[b] ?? tensors.key.shape[1]!;
  return attentionOf({
    ...tensors,
    ...(options.softmax_scale !== undefined && { scale: options.softmax_scale }),
    score(score, b, h, i, j) {
      const capped = softcap > 0 ? softcap * Math.tanh(score / softcap) : score;
      if (alibi_slopes === undefined) return capped;
      const ofBatch = alibi_slopes.shape.length === 2 ? b * alibi_slopes.shape[1]! : 0;
      return capped - alibi_slopes.data[ofBatch + h]! * Math.abs(i + keysOf(b) - queries - j);
    },
    allowed(i, j, b) {
      const at = i + keysOf(b) - queries;
      const isIn = (left < 0 || j >= at - left) && (right < 0 || j <= at + right);
      return j < keysOf(b) && isIn && (!causal || j <= at);
    },
  });
}

const output = (tensors: Named, options: FlashAttention): { output: Tensor } => ({
  output: flashAttention(tensors, options).output,
});

/** The sequences of `cu_seqlens`, one after another; each is attention of its own. */
function varlen(x: Inputs, ends: readonly number[], options: FlashAttention): { output: Tensor } {
  const parts = ends.map((end, n) => {
    const part = (tensor: Tensor): Tensor => rowsFrom(tensor, n === 0 ? 0 : ends[n - 1]!, end);
    const { query, key, value } = packed(x);
    return flashAttention({ query: part(query), key: part(key), value: part(value) }, options).output;
  });
  const data = Float32Array.from(parts.flatMap((part) => [...(part.data as Float32Array)]));
  return { output: { dtype: 'float32', shape: packed(x).query.shape, data } };
}

/** The first batch element of five queries and keys. */
const packed = (x: Inputs): Named => {
  const { query, key, value } = square(x);
  const first = (tensor: Tensor): Tensor => ({
    ...rowsFrom({ ...tensor, shape: [1, tensor.shape[0]! * tensor.shape[1]!, 4, 8] }, 0, 5),
  });
  return { query: first(query), key: first(key), value: first(value) };
};

/** Rows of `[1, L, H, D]`. */
function rowsFrom({ shape, data }: Tensor, start: number, end: number): Tensor {
  const [, , heads, depth] = shape as [number, number, number, number];
  const width = heads * depth;
  const part = (data as Float32Array<ArrayBuffer>).slice(start * width, end * width);
  return { dtype: 'float32', shape: [1, end - start, heads, depth], data: part };
}

const SEGMENTS: Tensor = { dtype: 'int32', shape: [1, 5], data: Int32Array.of(0, 0, 0, 1, 1) };

/** −slope · abs(i + Lk − Lq − j) for every batch element and head. */
function biasOf({ slopesOfBatch }: Inputs): Tensor {
  const data = Float32Array.from({ length: 2 * 4 * 3 * 5 }, (_, n) => {
    const [i, j] = [Math.floor(n / 5) % 3, n % 5];
    return -slopesOfBatch.data[Math.floor(n / 15)]! * Math.abs(i + 2 - j);
  });
  return { dtype: 'float32', shape: [2, 4, 3, 5], data };
}

export const FLASH_ATTENTION: Readonly<Record<string, readonly DocumentedPair[]>> = {
  '`q`, `k`, `v`: `[B, L, H, D]`, float16 or bfloat16': [
    { there: (x) => output(named(x), {}), here: (x) => heed(named(x)) },
  ],
  'fewer heads of `k` and `v` (MQA, GQA)': [
    {
      there: (x) => output({ ...named(x), key: rows(x.k2), value: rows(x.v2) }, {}),
      here: (x) => heed({ ...named(x), key: rows(x.k2), value: rows(x.v2) }),
    },
  ],
  '`softmax_scale`; default 1/√D': [
    {
      there: (x) => output(named(x), { softmax_scale: 0.7 }),
      here: (x) => heed(named(x), { scale: 0.7 }),
    },
  ],
  '`causal=True` (bottom right since 2.1)': [
    {
      there: (x) => output(named(x), { causal: true }),
      here: (x) => heed(named(x), { causal: true, alignment: 'bottomRight' }),
    },
    {
      there: (x) => output(square(x), { causal: true }),
      here: (x) => heed(square(x), { causal: true }),
    },
  ],
  '`window_size=(left, right)`, inclusive; −1 is unbounded': [
    {
      there: (x) => output(named(x), { window_size: [1, 0] }),
      here: (x) => heed(named(x), { window: { left: 1, right: 0 }, alignment: 'bottomRight' }),
    },
    {
      there: (x) => output(named(x), { window_size: [2, -1] }),
      here: (x) => heed(named(x), { window: { left: 2, right: null }, alignment: 'bottomRight' }),
    },
  ],
  '`softcap=0.0`': [
    { there: (x) => output(named(x), { softcap: 0 }), here: (x) => heed(named(x)) },
    { there: (x) => output(named(x), { softcap: 1.5 }), here: (x) => heed(named(x), { softcap: 1.5 }) },
  ],
  '`alibi_slopes [H]`: −slope · abs(i + Lk − Lq − j)': [
    {
      there: (x) => output(named(x), { alibi_slopes: x.slopes }),
      here: (x) => heed(named(x), { alibiSlopes: x.slopes, alignment: 'bottomRight' }),
    },
  ],
  '`alibi_slopes [B, H]`': [
    {
      there: (x) => output(named(x), { alibi_slopes: x.slopesOfBatch }),
      here: (x) => heed(named(x), { bias: biasOf(x) }),
    },
  ],
  '`return_attn_probs=True`, for `softmax_lse [B, H, L]`': [
    { there: (x) => flashAttention(named(x)), here: (x) => heed(named(x), { logSumExp: true }) },
  ],
  '`flash_attn_varlen_func`, `cu_seqlens`': [
    {
      there: (x) => varlen(x, [3, 5], {}),
      here: (x) => heed(packed(x), { querySegments: SEGMENTS, keySegments: SEGMENTS }),
    },
  ],
  'the same with `causal`, `window_size` or `alibi_slopes`': [
    {
      there: (x) => varlen(x, [3, 5], { causal: true, window_size: [1, 0], alibi_slopes: x.slopes }),
      here: (x) =>
        heed(packed(x), {
          querySegments: SEGMENTS,
          keySegments: SEGMENTS,
          causal: true,
          window: { left: 1, right: 0 },
          alibiSlopes: x.slopes,
        }),
    },
  ],
  '`flash_attn_with_kvcache`, `cache_seqlens`, after the new keys': [
    {
      there: (x) => output(named(x), { causal: true, cache_seqlens: [3, 5] }),
      here: (x) => heed(named(x), { keyLengths: listOf(x.lengths), causal: true, alignment: 'bottomRight' }),
    },
  ],
  'a row of the mask that is all zero': [
    {
      // More queries than keys: the first rows stand before all keys.
      there: (x) => output({ query: rows(x.qs), key: rows(x.k3), value: rows(x.v3) }, { causal: true }),
      here: (x) =>
        heed(
          { query: rows(x.qs), key: rows(x.k3), value: rows(x.v3) },
          { causal: true, alignment: 'bottomRight' },
        ),
    },
  ],
};

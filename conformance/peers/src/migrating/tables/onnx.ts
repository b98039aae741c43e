import { listOf } from '../inputs.ts';
import type { MigrationTable } from '../table.ts';

export const onnx: MigrationTable = {
  heading: 'ONNX: `Attention` (opsets 23 to 25)',
  library: 'onnx',
  rows: {
    '`Q, K, V`, 4-D': [
      { there: 'Attention(q, k, v)', here: ({ q, k, v }) => ({ query: q, key: k, value: v }) },
      { there: 'Attention(q, k2, v2)', here: ({ q, k2, v2 }) => ({ query: q, key: k2, value: v2 }) },
    ],
    '`attn_mask`': [
      {
        there: 'Attention(q, k, v, mask)',
        here: ({ q, k, v, mask }) => ({ query: q, key: k, value: v, mask }),
      },
      {
        there: 'Attention(q, k, v, bias)',
        here: ({ q, k, v, bias }) => ({ query: q, key: k, value: v, mask: bias }),
      },
    ],
    '`is_causal=1`, no cache': [
      {
        there: 'Attention(q, k, v, is_causal=1)',
        here: ({ q, k, v }) => ({ query: q, key: k, value: v, causal: true, alignment: 'topLeft' }),
      },
    ],
    '`is_causal=1` with `past_key`': [
      {
        there: 'Attention(q, k[:, :, 2:], v[:, :, 2:], None, k[:, :, :2], v[:, :, :2], is_causal=1)',
        here: ({ q, k, v }) => ({ query: q, key: k, value: v, causal: true, alignment: { offset: 2 } }),
      },
    ],
    '`nonpad_kv_seqlen`': [
      {
        there: 'Attention(q, k, v, None, None, None, lengths.astype(np.int64))',
        here: ({ q, k, v, lengths }) => ({ query: q, key: k, value: v, keyLengths: listOf(lengths) }),
      },
      {
        there: 'Attention(q, k, v, None, None, None, lengths.astype(np.int64), is_causal=1)',
        here: ({ q, k, v, lengths }) => ({
          query: q,
          key: k,
          value: v,
          keyLengths: listOf(lengths),
          causal: true,
          alignment: 'bottomRight',
        }),
      },
    ],
    '`softcap=0`': [
      {
        there: 'Attention(q, k, v, softcap=0.0)',
        here: ({ q, k, v }) => ({ query: q, key: k, value: v }),
      },
      {
        there: 'Attention(q, k, v, softcap=1.5)',
        here: ({ q, k, v }) => ({ query: q, key: k, value: v, softcap: 1.5 }),
      },
    ],
    '`left_window_size`, `right_window_size`; −1 is unbounded': [
      {
        there: 'Attention(qs, k, v, left_window_size=2, right_window_size=1)',
        here: ({ qs, k, v }) => ({ query: qs, key: k, value: v, window: { left: 2, right: 1 } }),
      },
      {
        there: 'Attention(qs, k, v, left_window_size=2, right_window_size=-1)',
        here: ({ qs, k, v }) => ({ query: qs, key: k, value: v, window: { left: 2, right: null } }),
      },
    ],
    '`qk_matmul_output_mode=3`': [
      {
        there: '(lambda all: (all[0], all[-1]))(Attention(q, k, v, qk_matmul_output_mode=3))',
        here: ({ q, k, v }) => ({ query: q, key: k, value: v, weights: true }),
        results: ['output', 'weights'],
      },
    ],
  },
};

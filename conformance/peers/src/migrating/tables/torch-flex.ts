import { listOf } from '../inputs.ts';
import type { MigrationTable } from '../table.ts';

export const torchFlex: MigrationTable = {
  heading: 'PyTorch: FlexAttention',
  library: 'torch',
  rows: {
    '`query`, `key`, `value`: `[B, H, L, E]`': [
      { there: 'flex(q, k, v)', here: ({ q, k, v }) => ({ query: q, key: k, value: v }) },
    ],
    '`mask_mod`: `q_idx >= kv_idx`': [
      {
        there: 'flex(q, k, v, lambda b, h, i, j: i >= j)',
        here: ({ q, k, v }) => ({ query: q, key: k, value: v, causal: true, alignment: 'topLeft' }),
      },
      {
        there: 'flex(qs, k, v, lambda b, h, i, j: i >= j)',
        here: ({ qs, k, v }) => ({ query: qs, key: k, value: v, causal: true }),
      },
    ],
    '`mask_mod`: `(q_idx >= kv_idx) & (q_idx - kv_idx <= w)`': [
      {
        there: 'flex(qs, k, v, lambda b, h, i, j: (i >= j) & (i - j <= 2))',
        here: ({ qs, k, v }) => ({ query: qs, key: k, value: v, causal: true, window: { left: 2 } }),
      },
    ],
    '`mask_mod`: `document[b, q_idx] == document[b, kv_idx]`': [
      {
        there: 'flex(qs, k, v, lambda b, h, i, j: documents[b, i] == documents[b, j])',
        here: ({ qs, k, v, documents }) => ({
          query: qs,
          key: k,
          value: v,
          querySegments: documents,
          keySegments: documents,
        }),
      },
    ],
    '`mask_mod`: `kv_idx < length[b]`': [
      {
        there: 'flex(q, k, v, lambda b, h, i, j: j < lengths[b])',
        here: ({ q, k, v, lengths }) => ({ query: q, key: k, value: v, keyLengths: listOf(lengths) }),
      },
    ],
    'any other `mask_mod`': [
      {
        there: 'flex(q, k, v, lambda b, h, i, j: mask[b, 0, i, j])',
        here: ({ q, k, v, mask }) => ({ query: q, key: k, value: v, mask }),
      },
      {
        there: 'flex(q, k, v, lambda b, h, i, j: emptyRow[b, 0, i, j])',
        here: ({ q, k, v, emptyRow }) => ({ query: q, key: k, value: v, mask: emptyRow }),
      },
    ],
    '`score_mod`: `score + bias[b, h, q_idx, kv_idx]`': [
      {
        there: 'flex(q, k, v, score_mod=lambda s, b, h, i, j: s + bias[b, h, i, j])',
        here: ({ q, k, v, bias }) => ({ query: q, key: k, value: v, bias }),
      },
    ],
    '`score_mod`: `c * tanh(score / c)`': [
      {
        there: 'flex(q, k, v, score_mod=lambda s, b, h, i, j: 1.5 * torch.tanh(s / 1.5))',
        here: ({ q, k, v }) => ({ query: q, key: k, value: v, softcap: 1.5 }),
      },
    ],
    '`score_mod`: `score - slope[h] * abs(q_idx - kv_idx)`': [
      {
        there: 'flex(qs, k, v, score_mod=lambda s, b, h, i, j: s - slopes[h] * (i - j).abs())',
        here: ({ qs, k, v, slopes }) => ({ query: qs, key: k, value: v, alibiSlopes: slopes }),
      },
    ],
    '`scale`, `enable_gqa=True`': [
      {
        there: 'flex(q, k2, v2, scale=0.7, enable_gqa=True)',
        here: ({ q, k2, v2 }) => ({ query: q, key: k2, value: v2, scale: 0.7 }),
      },
    ],
    '`return_aux=AuxRequest(lse=True)`': [
      {
        there: 'flex(q, k, v, return_aux=AuxRequest(lse=True))',
        here: ({ q, k, v }) => ({ query: q, key: k, value: v, logSumExp: true }),
        results: ['output', 'logSumExp'],
      },
    ],
  },
};

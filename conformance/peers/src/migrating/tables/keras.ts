import { rows } from '../inputs.ts';
import type { MigrationTable } from '../table.ts';

export const keras: MigrationTable = {
  heading: 'Keras: `MultiHeadAttention`, `GroupQueryAttention`, `ops.dot_product_attention`',
  library: 'keras',
  rows: {
    '`query, value, key`: the value comes before the key': [
      { there: 'layer(q, v, k)', here: ({ q, k, v }) => ({ query: q, key: k, value: v }) },
      { there: 'layer(q, v2, k2)', here: ({ q, k2, v2 }) => ({ query: q, key: k2, value: v2 }) },
    ],
    '`attention_mask [B, T, S]`, 1 may attend': [
      {
        there: 'layer(q, v, k, attention_mask=flatMask)',
        here: ({ q, k, v, mask }) => ({ query: q, key: k, value: v, mask }),
      },
    ],
    '`use_causal_mask=True`, `is_causal=True`': [
      {
        there: 'layer(q, v, k, use_causal_mask=True)',
        here: ({ q, k, v }) => ({ query: q, key: k, value: v, causal: true, alignment: 'topLeft' }),
      },
      {
        there: 'rows(attention(rows(qs), rows(k), rows(v), is_causal=True))',
        here: ({ qs, k, v }) => ({ query: qs, key: k, value: v, causal: true }),
      },
    ],
    '`return_attention_scores=True`': [
      {
        there: 'layer(q, v, k, return_attention_scores=True)',
        here: ({ q, k, v }) => ({ query: q, key: k, value: v, weights: true }),
        results: ['output', 'weights'],
      },
    ],
    '`ops.dot_product_attention`: `[B, T, N, H]`': [
      {
        there: 'attention(rows(q), rows(k), rows(v))',
        here: ({ q, k, v }) => ({ query: rows(q), key: rows(k), value: rows(v), layout: 'blhd' }),
      },
    ],
    'its `bias`': [
      {
        there: 'attention(rows(q), rows(k), rows(v), bias=bias)',
        here: ({ q, k, v, bias }) => ({ query: rows(q), key: rows(k), value: rows(v), layout: 'blhd', bias }),
      },
    ],
  },
};

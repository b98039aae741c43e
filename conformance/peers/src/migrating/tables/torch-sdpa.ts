import type { Here } from '../inputs.ts';
import type { MigrationTable } from '../table.ts';

const sdpa = 'F.scaled_dot_product_attention';

const causalAndMask: Here = ({ q, k, v, mask }) => ({
  query: q,
  key: k,
  value: v,
  mask,
  causal: true,
  alignment: 'topLeft',
});

export const torchSdpa: MigrationTable = {
  heading: 'PyTorch: `scaled_dot_product_attention`',
  library: 'torch',
  rows: {
    '`query, key, value`, `[N, H, L, E]`': [
      { there: `${sdpa}(q, k, v)`, here: ({ q, k, v }) => ({ query: q, key: k, value: v }) },
    ],
    '`attn_mask`, boolean (true may attend) or float': [
      {
        there: `${sdpa}(q, k, v, attn_mask=mask)`,
        here: ({ q, k, v, mask }) => ({ query: q, key: k, value: v, mask }),
      },
      {
        there: `${sdpa}(q, k, v, attn_mask=bias)`,
        here: ({ q, k, v, bias }) => ({ query: q, key: k, value: v, mask: bias }),
      },
    ],
    '`is_causal=True`': [
      {
        there: `${sdpa}(q, k, v, is_causal=True)`,
        here: ({ q, k, v }) => ({ query: q, key: k, value: v, causal: true, alignment: 'topLeft' }),
      },
      {
        there: `${sdpa}(qs, k, v, is_causal=True)`,
        here: ({ qs, k, v }) => ({ query: qs, key: k, value: v, causal: true }),
      },
    ],
    '`attn_mask=causal_lower_right(L, S)`': [
      {
        there: `${sdpa}(q, k, v, attn_mask=causal_lower_right(3, 5))`,
        here: ({ q, k, v }) => ({ query: q, key: k, value: v, causal: true, alignment: 'bottomRight' }),
      },
    ],
    '`scale`': [
      {
        there: `${sdpa}(q, k, v, scale=0.7)`,
        here: ({ q, k, v }) => ({ query: q, key: k, value: v, scale: 0.7 }),
      },
    ],
    '`enable_gqa=True`': [
      {
        there: `${sdpa}(q, k2, v2, enable_gqa=True)`,
        here: ({ q, k2, v2 }) => ({ query: q, key: k2, value: v2 }),
      },
    ],
    '`is_causal` and `attn_mask` together are refused': [
      {
        there: `${sdpa}(q, k, v, attn_mask=mask, is_causal=True)`,
        here: causalAndMask,
        refused: true,
      },
      {
        there: `${sdpa}(q, k, v, attn_mask=mask & torch.ones(3, 5, dtype=torch.bool).tril())`,
        here: causalAndMask,
      },
    ],
    'a row that may attend to nothing is 0': [
      {
        there: `${sdpa}(q, k, v, attn_mask=emptyRow)`,
        here: ({ q, k, v, emptyRow }) => ({ query: q, key: k, value: v, mask: emptyRow }),
      },
    ],
  },
};

import { listOf, sharedLastRow, turnedOver } from '../inputs.ts';
import type { MigrationTable } from '../table.ts';

export const torchMultihead: MigrationTable = {
  heading: 'PyTorch: `nn.MultiheadAttention`',
  library: 'torch',
  rows: {
    '`attn_mask`, boolean: true may **not** attend': [
      {
        there: 'mha(q, k, v, attn_mask=~mask[0, 0])',
        here: ({ q, k, v, mask }) => ({
          query: q,
          key: k,
          value: v,
          mask: { ...mask, shape: [3, 5], data: mask.data.slice(0, 15) as Uint8Array<ArrayBuffer> },
        }),
      },
    ],
    '`attn_mask`, float': [
      {
        there: 'mha(q, k, v, attn_mask=bias[0, 0])',
        here: ({ q, k, v, bias }) => ({
          query: q,
          key: k,
          value: v,
          mask: { ...bias, shape: [3, 5], data: bias.data.slice(0, 15) as Float32Array<ArrayBuffer> },
        }),
      },
    ],
    '`attn_mask [N·H, L, S]`, of either kind': [
      {
        there: 'mha(q, k, v, attn_mask=~emptyRow.expand(2, 4, 3, 5).reshape(8, 3, 5))',
        here: ({ q, k, v, emptyRow }) => ({ query: q, key: k, value: v, mask: emptyRow }),
      },
      {
        there: 'mha(q, k, v, attn_mask=bias.reshape(8, 3, 5))',
        here: ({ q, k, v, bias }) => ({ query: q, key: k, value: v, mask: bias }),
      },
    ],
    '`key_padding_mask [N, S]`: true is padding': [
      {
        there: 'mha(q, k, v, key_padding_mask=padding)',
        here: ({ q, k, v }) => ({ query: q, key: k, value: v, keyLengths: [3, 4] }),
      },
      {
        there: 'mha(q, k, v, key_padding_mask=scattered)',
        here: ({ q, k, v, scattered }) => ({
          query: q,
          key: k,
          value: v,
          mask: turnedOver(scattered, [2, 1, 1, 5]),
        }),
      },
      {
        there: 'mha(q, k, v, key_padding_mask=torch.arange(5) >= lengths[:, None])',
        here: ({ q, k, v, lengths }) => ({ query: q, key: k, value: v, keyLengths: listOf(lengths) }),
      },
    ],
    '`is_causal=True` beside a causal `attn_mask`': [
      {
        there: 'mha(qs, k, v, attn_mask=torch.ones(5, 5, dtype=torch.bool).triu(1), is_causal=True)',
        here: ({ qs, k, v }) => ({ query: qs, key: k, value: v, causal: true }),
      },
    ],
    '`need_weights=True, average_attn_weights=False`': [
      {
        there: 'mha(q, k, v, need_weights=True, average_attn_weights=False)',
        here: ({ q, k, v }) => ({ query: q, key: k, value: v, weights: true }),
        results: ['output', 'weights'],
      },
    ],
    '`add_zero_attn=True`': [
      {
        there: 'mha(q, k, v, add_zero_attn=True)',
        here: ({ q, k, v }) => ({ query: q, key: k, value: v, sinks: [0, 0, 0, 0] }),
      },
    ],
    '`add_bias_kv=True`': [
      {
        there: 'mha(q, k[:, :, :4], v[:, :, :4], bias_k=k[0, :, 4], bias_v=v[0, :, 4])',
        here: ({ q, k, v }) => ({ query: q, key: sharedLastRow(k), value: sharedLastRow(v) }),
      },
    ],
  },
};

import type { AttentionRequest } from '@heed/core';
import { type Inputs, listOf, rows } from '../inputs.ts';
import type { MigrationTable } from '../table.ts';

const plain = ({ q, k, v }: Inputs): AttentionRequest => ({
  query: rows(q),
  key: rows(k),
  value: rows(v),
  layout: 'blhd',
});
const square = (x: Inputs): AttentionRequest => ({ ...plain(x), query: rows(x.qs) });

export const jax: MigrationTable = {
  heading: 'JAX: `jax.nn.dot_product_attention`',
  library: 'jax',
  rows: {
    '`query [B, T, N, H]`, `key` and `value [B, S, K, H]`': [
      { there: 'attention(rows(q), rows(k), rows(v))', here: plain },
      {
        there: 'attention(rows(q), rows(k2), rows(v2))',
        here: (x) => ({ ...plain(x), key: rows(x.k2), value: rows(x.v2) }),
      },
    ],
    '`bias`': [
      {
        there: 'attention(rows(q), rows(k), rows(v), bias=bias)',
        here: (x) => ({ ...plain(x), bias: x.bias }),
      },
    ],
    '`mask`, true may attend': [
      {
        there: 'attention(rows(q), rows(k), rows(v), mask=mask)',
        here: (x) => ({ ...plain(x), mask: x.mask }),
      },
    ],
    '`is_causal=True`': [
      {
        there: 'attention(rows(q), rows(k), rows(v), is_causal=True)',
        here: (x) => ({ ...plain(x), causal: true, alignment: 'topLeft' }),
      },
      {
        there: 'attention(rows(qs), rows(k), rows(v), is_causal=True)',
        here: (x) => ({ ...square(x), causal: true }),
      },
    ],
    '`query_seq_lengths`, `key_value_seq_lengths`': [
      {
        there:
          'attention(rows(q), rows(k), rows(v), query_seq_lengths=queryLengths, key_value_seq_lengths=lengths)',
        here: (x) => ({ ...plain(x), queryLengths: listOf(x.queryLengths), keyLengths: listOf(x.lengths) }),
      },
    ],
    '`local_window_size=(left, right)`': [
      {
        there: 'attention(rows(qs), rows(k), rows(v), local_window_size=(2, 1))',
        here: (x) => ({ ...square(x), window: { left: 2, right: 1 } }),
      },
    ],
    '`return_residual=True`': [
      {
        there:
          '(lambda pair: (pair[0], jnp.swapaxes(pair[1], 1, 2)))(attention(rows(q), rows(k), rows(v), return_residual=True))',
        here: (x) => ({ ...plain(x), logSumExp: true }),
        results: ['output', 'logSumExp'],
      },
    ],
    'a row without keys is the mean of the values': [
      {
        // The rows that may attend to something; of the others the mean is taken off.
        there:
          'attention(rows(q), rows(k), rows(v), mask=emptyRow) - jnp.where(emptyRow.any(-1).swapaxes(1, 2)[..., None], 0, rows(v).mean(1, keepdims=True))',
        here: (x) => ({ ...plain(x), mask: x.emptyRow }),
      },
    ],
  },
};

import type { AttentionRequest } from '@heed/core';
import { type Inputs, rows } from '../inputs.ts';
import type { Described } from './attention-of.ts';

/** Queries, keys and values, `[B, L, H, D]`. */
export type Named = Pick<Described, 'query' | 'key' | 'value'>;

export const named = ({ q, k, v }: Inputs): Named => ({ query: rows(q), key: rows(k), value: rows(v) });

/** As many queries as keys. */
export const square = (x: Inputs): Named => ({ ...named(x), query: rows(x.qs) });

/** Heed's request. */
export const heed = (tensors: Named, more: Partial<AttentionRequest> = {}): AttentionRequest => ({
  ...tensors,
  layout: 'blhd',
  ...more,
});

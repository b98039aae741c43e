import type { ConformanceCase } from '../../case.ts';
import { agreements } from '../building/agreement.ts';
import type { Purposes } from '../building/purposes.ts';

export const gqaPurposes: Purposes = {
  gqa: 'A query head reads the key/value head of its group, not another.',
  'gqa/one-key-head': 'All query heads read the only key/value head.',
  'gqa/mask-of-query-heads': 'A mask is of query heads, not of key/value heads.',
  'gqa/bias-of-query-heads': 'A bias is of query heads, not of key/value heads.',
  'gqa/alibi-of-query-heads': 'Slopes are of query heads, not of key/value heads.',
  'gqa/sinks-of-query-heads': 'Sinks are of query heads, not of key/value heads.',
};

export function gqaCases(): ConformanceCase[] {
  return agreements('gqa', {
    control: { heads: 4, kvHeads: 2 },
    'ratio-2': { heads: 6, kvHeads: 3 },
    'ratio-3': { heads: 6, kvHeads: 2 },
    'ratio-4': { heads: 8, kvHeads: 2, queryLength: 3, keyLength: 5 },
    'one-key-head': { heads: 5, kvHeads: 1 },
    'layout-blhd': { heads: 6, kvHeads: 2, layout: 'blhd' },
    'value-size': { heads: 4, kvHeads: 2, valueDim: 5 },
    'one-query': { heads: 8, kvHeads: 4, queryLength: 1, keyLength: 9 },
    causal: { heads: 6, kvHeads: 3, causal: true },
    'mask-of-query-heads': { heads: 6, kvHeads: 2, mask: { kind: 'boolean', shape: [6, 1, 7] } },
    'bias-of-query-heads': { heads: 6, kvHeads: 2, bias: { shape: [2, 6, 7, 7] } },
    'alibi-of-query-heads': { heads: 6, kvHeads: 2, alibi: true },
    'sinks-of-query-heads': { heads: 6, kvHeads: 2, sinks: true },
    'across-tiles': { batch: 1, heads: 4, kvHeads: 2, queryLength: 33, keyLength: 65 },
  });
}

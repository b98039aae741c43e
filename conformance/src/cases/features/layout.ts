import type { ConformanceCase } from '../../case.ts';
import { agreements } from '../building/agreement.ts';
import type { Purposes } from '../building/purposes.ts';

export const layoutPurposes: Purposes = {
  layout: 'In [B, L, H, D] the same numbers come out as in [B, H, L, D].',
  'layout/as-many-heads-as-rows': 'Heads and rows are told apart where there are as many of each.',
  'layout/weights-keep-their-axes': 'Weights and statistics keep their axes in the layout blhd.',
};

export const valueDimPurposes: Purposes = {
  valueDim: 'Values of another size than queries and keys give an output of their size.',
};

export function layoutCases(): ConformanceCase[] {
  const layout = 'blhd' as const;
  return agreements('layout', {
    control: { layout },
    'one-head': { layout, heads: 1 },
    'one-batch': { layout, batch: 1 },
    'three-heads': { layout, heads: 3, queryLength: 4, keyLength: 5 },
    'one-query': { layout, heads: 3, queryLength: 1, keyLength: 5 },
    'one-key': { layout, heads: 3, queryLength: 5, keyLength: 1 },
    'as-many-heads-as-rows': { layout, heads: 5, queryLength: 5 },
    'no-queries': { layout, queryLength: 0, keyLength: 3 },
    'no-keys': { layout, queryLength: 3, keyLength: 0 },
    'value-size': { layout, heads: 3, valueDim: 3 },
    'across-tiles': { layout, batch: 1, queryLength: 65, keyLength: 33 },
    'head-size/80': { layout, batch: 1, queryLength: 9, headDim: 80 },
    'causal-bottom-right': { layout, causal: true, queryLength: 4, keyLength: 9, alignment: 'bottomRight' },
    'query-lengths': { layout, queryLengths: [3, 0] },
    'weights-keep-their-axes': { layout, heads: 3, outputs: ['weights', 'logSumExp', 'statistics'] },
  });
}

export function valueDimCases(): ConformanceCase[] {
  return agreements('valueDim', {
    control: { valueDim: 5 },
    one: { valueDim: 1 },
    'smaller/32-3': { headDim: 32, valueDim: 3 },
    'smaller/64-32': { headDim: 64, valueDim: 32, batch: 1 },
    'larger/1-8': { headDim: 1, valueDim: 8 },
    'larger/32-80': { headDim: 32, valueDim: 80, batch: 1 },
    'larger/3-64': { headDim: 3, valueDim: 64 },
    gqa: { heads: 4, kvHeads: 2, valueDim: 3 },
    'layout-blhd': { layout: 'blhd', valueDim: 3, queryLength: 4, keyLength: 6 },
    'no-keys': { keyLength: 0, valueDim: 3 },
    'across-tiles': { batch: 1, queryLength: 33, keyLength: 65, valueDim: 12 },
  });
}

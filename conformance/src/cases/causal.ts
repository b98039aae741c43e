import type { ConformanceCase } from '../case.ts';
import { agreements } from './build.ts';

export function causalCases(): ConformanceCase[] {
  return agreements('causal', {
    control: { causal: true },
    'one-row': { causal: true, queryLength: 1 },
    'two-rows': { causal: true, queryLength: 2 },
    'across-tiles/31': { causal: true, queryLength: 31 },
    'across-tiles/33': { causal: true, queryLength: 33 },
    'across-tiles/65': { causal: true, queryLength: 65, batch: 1 },
    'across-tiles/129': { causal: true, queryLength: 129, batch: 1 },
    'long/260': { causal: true, queryLength: 260, batch: 1, heads: 1, headDim: 4 },
    'more-keys': { causal: true, queryLength: 5, keyLength: 9, alignment: 'topLeft' },
    'more-queries': { causal: true, queryLength: 9, keyLength: 5, alignment: 'topLeft' },
    peaked: { causal: true, queryLength: 17, spread: 8 },
  });
}

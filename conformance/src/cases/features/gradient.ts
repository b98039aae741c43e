import type { Tensor } from '@heed/core';
import type { ConformanceCase } from '../../case.ts';
import type { Sketch } from '../../sketch.ts';
import { agreement, agreements } from '../building/agreement.ts';
import { BROADCASTS } from './mask.ts';
import { MANY_TILES, VARIATIONS } from '../building/variations.ts';
import type { Purposes } from '../building/purposes.ts';

export const gradientPurposes: Purposes = {
  gradient: 'Gradients agree with the formulas, with every feature.',
  'gradient/bias-summed': 'dBias sums over the axes that were broadcast.',
  'gradient/kv-heads': 'dKey and dValue sum over the query heads that read them.',
  'gradient/key-length': 'No key is lost in a gradient at the edge of a tile.',
  'gradient/query-length': 'No row is lost in a gradient at the edge of a tile.',
  'gradient/head-size': 'No element is lost in a gradient where the head size does not fill a vector.',
  'gradient/softcap-saturated': 'Where the softcap is flat the gradient of the scores vanishes.',
  'gradient/thousands-of-keys': 'A gradient over thousands of keys stays within the bound.',
  'gradient/bias-row-of-empty': 'Nearly empty rows have right gradients.',
  'gradient/window-of-equal-scores': 'In float64 a window over equal scores has exact gradients.',
  'gradient/few-rows-many-keys-softcap':
    'The gradient of a few queries over many keys is right with a softcap.',
  'gradient/few-rows-many-keys-causal': 'The gradient of a few queries at the end of many keys is right.',
  'gradient/few-rows-many-keys-window-left':
    'The gradient of a few queries with a window to the left is right.',
  'gradient/few-rows-many-keys-window-right':
    'The gradient of a few queries with a window to the right is right.',
  'gradient/many-tiles': 'Gradients that sum over many tiles are right.',
  'gradient/causal-across-tiles': 'A causal gradient is right where the diagonal crosses tiles.',
  'gradient/window-across-tiles': 'A gradient is right where a window begins and ends within tiles.',
};

/** Many more keys than queries. */
const FEW_ROWS: Sketch = { batch: 1, heads: 1, queryLength: 5, keyLength: 300 };

export function gradientCases(): ConformanceCase[] {
  const sketches: Record<string, Sketch> = { control: { queryLength: 5, keyLength: 9, gradient: true } };
  for (const [name, sketch] of Object.entries(VARIATIONS)) sketches[name] = { ...sketch, gradient: true };
  for (const [name, shape] of Object.entries(BROADCASTS)) {
    sketches[`bias-summed/${name}`] = {
      heads: 3,
      queryLength: 5,
      keyLength: 6,
      bias: { shape, excluded: shape.length > 2 ? 0.3 : 0 },
      gradient: true,
    };
  }
  for (const kvHeads of [1, 2, 3, 6]) {
    sketches[`kv-heads/${kvHeads}-of-6`] = {
      heads: 6,
      kvHeads,
      queryLength: 5,
      keyLength: 4,
      gradient: true,
    };
  }
  for (const length of [1, 2, 31, 32, 33, 63, 64, 65]) {
    sketches[`key-length/${length}`] = { batch: 1, queryLength: 6, keyLength: length, gradient: true };
    sketches[`query-length/${length}`] = { batch: 1, queryLength: length, keyLength: 6, gradient: true };
  }
  for (const headDim of [1, 3, 32, 80]) {
    sketches[`head-size/${headDim}`] = { batch: 1, queryLength: 5, headDim, gradient: true };
  }
  const more: Record<string, Sketch> = {
    'all-outputs': { outputs: ['output', 'weights', 'logSumExp', 'statistics'] },
    'softcap-saturated': { softcap: 1, spread: 6 },
    'softcap-bias-sinks': { softcap: 2, bias: { shape: [2, 1, 7] }, sinks: true },
    'gqa-bias-blhd': { heads: 4, kvHeads: 2, layout: 'blhd', bias: { shape: [4, 7, 7] } },
    'causal-across-tiles': { batch: 1, queryLength: 129, headDim: 4, causal: true },
    'window-across-tiles': { batch: 1, queryLength: 97, headDim: 4, window: { left: 20, right: 3 } },
    'many-tiles': { batch: 1, queryLength: 67, keyLength: 300, headDim: 4, sinks: true },
    'many-tiles-softcap': { batch: 1, queryLength: 67, keyLength: 300, headDim: 4, softcap: 2 },
    'many-tiles-window': { ...MANY_TILES, window: { left: 20, right: 3 }, alignment: 'bottomRight' },
    'few-rows-many-keys-softcap': { batch: 1, queryLength: 4, keyLength: 200, softcap: 2 },
    'few-rows-many-keys-causal': { ...FEW_ROWS, causal: true, alignment: 'bottomRight' },
    'few-rows-many-keys-window-left': { ...FEW_ROWS, window: { left: 20 }, alignment: 'topLeft' },
    'few-rows-many-keys-window-right': {
      ...FEW_ROWS,
      window: { left: 0, right: 150 },
      alignment: { offset: [52] },
    },
    'thousands-of-keys': { batch: 1, heads: 1, queryLength: 64, keyLength: 2200, headDim: 1 },
    'bias-row-of-empty': { bias: { shape: [7, 7], excluded: 0.95 } },
  };
  for (const [name, sketch] of Object.entries(more)) sketches[name] = { ...sketch, gradient: true };
  const narrow = {
    dtype: 'float64',
    batch: 1,
    heads: 1,
    queryLength: 8,
    window: { left: 1, right: 1 },
  } as const;
  return [
    ...agreements('gradient', sketches),
    agreement('gradient', 'window-of-equal-scores', { ...narrow, gradient: true }, (request) => {
      (request.query as Tensor).data.fill(0);
      return request;
    }),
  ];
}

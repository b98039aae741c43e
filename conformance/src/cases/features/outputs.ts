import type { OutputName } from '@heed/core';
import type { ConformanceCase } from '../../case.ts';
import type { Sketch } from '../../sketch.ts';
import { agreements } from '../building/agreement.ts';
import { MANY_TILES, VARIATIONS } from '../building/variations.ts';
import type { Purposes } from '../building/purposes.ts';

export const outputPurposes: Purposes = {
  weights: 'Weights alone are right with every feature, and exactly 0 where excluded.',
  'weights/control': 'Weights beside the output are right.',
  'weights/thousands-of-rows': 'Weights of thousands of rows are right.',
  'weights/many-tiles': 'Weights and statistics of many tiles are right together.',
  logSumExp: 'logSumExp alone is the natural logarithm of the sum, with every feature.',
  'logSumExp/control': 'logSumExp beside the output is right.',
  statistics: 'Row maximum and row sum alone belong together, with every feature.',
  'statistics/control': 'Row maximum and row sum beside the output are right.',
};

function each(outputs: readonly OutputName[]): Record<string, Sketch> {
  return Object.fromEntries(
    Object.entries(VARIATIONS).map(([name, sketch]) => [name, { ...sketch, outputs }]),
  );
}

const THOUSANDS_OF_ROWS: Sketch = { batch: 1, heads: 1, queryLength: 3969, keyLength: 2, headDim: 1 };
const MANY_ROWS: Sketch = { batch: 1, queryLength: 65, keyLength: 2 };

/** Clauses `weights`, `logSumExp` and `statistics`: each output alone, for every feature, and beside others. */
export function outputCases(): ConformanceCase[] {
  const together: Sketch = { queryLength: 5, keyLength: 9 };
  return [
    ...agreements('weights', {
      control: { ...together, outputs: ['output', 'weights'] },
      ...each(['weights']),
      'long-rows': { batch: 1, heads: 1, queryLength: 3, keyLength: 300, outputs: ['weights'] },
      'thousands-of-rows': { ...THOUSANDS_OF_ROWS, outputs: ['output', 'weights'] },
      'many-tiles': { ...MANY_TILES, outputs: ['output', 'weights', 'logSumExp', 'statistics'] },
    }),
    ...agreements('logSumExp', {
      control: { ...together, outputs: ['output', 'logSumExp'] },
      ...each(['logSumExp']),
      'long-rows': { batch: 1, heads: 1, queryLength: 3, keyLength: 300, outputs: ['logSumExp'] },
      'many-rows-gqa': { ...MANY_ROWS, heads: 2, kvHeads: 1, outputs: ['logSumExp'] },
    }),
    ...agreements('statistics', {
      control: { ...together, outputs: ['output', 'statistics'] },
      ...each(['statistics']),
      'beside-everything': { ...together, outputs: ['output', 'weights', 'logSumExp', 'statistics'] },
      'long-rows': { batch: 1, heads: 1, queryLength: 3, keyLength: 300, outputs: ['statistics'] },
    }),
  ];
}

import type { ConformanceCase } from '../../case.ts';
import type { Sketch } from '../../sketch.ts';
import { agreements } from '../building/agreement.ts';
import type { Purposes } from '../building/purposes.ts';

export const causalPurposes: Purposes = {
  causal: 'A row may attend to the keys up to its position, that one included.',
  'causal/length': 'The diagonal is right where it crosses the edge of a tile.',
  'causal/more-keys': 'With more keys than queries, row i ends at key i, aligned at the top left.',
  'causal/more-queries': 'With more queries than keys, later rows attend to all keys.',
  'causal/padding-mask':
    'A mask with one row for all queries does not take the diagonal of the first one for all.',
  'causal/decoding': 'A few queries at the end of a cache see all keys before them.',
};

export function causalCases(): ConformanceCase[] {
  const sketches: Record<string, Sketch> = { control: { causal: true } };
  for (const queryLength of [1, 2, 3, 31, 32, 33, 63, 64, 65, 127, 128, 129]) {
    sketches[`length/${queryLength}`] = { causal: true, batch: 1, queryLength, headDim: 4 };
  }
  return agreements('causal', {
    ...sketches,
    'length/260': { causal: true, queryLength: 260, batch: 1, heads: 1, headDim: 4 },
    'more-keys': { causal: true, queryLength: 5, keyLength: 9, alignment: 'topLeft' },
    'more-queries': { causal: true, queryLength: 9, keyLength: 5, alignment: 'topLeft' },
    'more-queries/across-tiles': {
      causal: true,
      batch: 1,
      queryLength: 70,
      keyLength: 33,
      alignment: 'topLeft',
    },
    'decoding/bottom-right': { causal: true, queryLength: 3, keyLength: 40, alignment: 'bottomRight' },
    'boolean-mask': { causal: true, mask: { kind: 'boolean', shape: [7, 7] } },
    'padding-mask': { causal: true, batch: 1, mask: { kind: 'boolean', shape: [1, 1, 1, 7] } },
    'padding-mask/float': { causal: true, batch: 1, mask: { kind: 'float', shape: [1, 1, 1, 7] } },
    'padding-mask/more-keys': {
      causal: true,
      batch: 1,
      queryLength: 5,
      keyLength: 9,
      alignment: 'bottomRight',
      mask: { kind: 'boolean', shape: [1, 1, 1, 9] },
    },
    'key-lengths': { causal: true, keyLengths: [3, 7] },
    gqa: { causal: true, heads: 4, kvHeads: 2 },
    'layout-blhd': { causal: true, layout: 'blhd' },
    peaked: { causal: true, queryLength: 17, spread: 8 },
  });
}

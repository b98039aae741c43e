import type { ConformanceCase } from '../../case.ts';
import type { Sketch } from '../../sketch.ts';
import { agreements } from '../building/agreement.ts';
import type { Purposes } from '../building/purposes.ts';

export const shapePurposes: Purposes = {
  shape: 'Problems of any lengths give results of the right shape.',
  'shape/control': 'A plain problem gives its output in the right shape and order.',
  'shape/one-of-everything': 'Where every length is 1, nothing relies on a second element.',
  'shape/batch': 'Every element of the batch is computed from its own queries, keys and values.',
  'shape/heads': 'Every head is computed from its own queries, keys and values.',
  'shape/no-queries': 'No queries give an empty output, not an error.',
  'shape/no-keys': 'No keys give an output of 0.',
  'shape/nothing': 'A problem with neither queries nor keys is legal.',
  'shape/lengths':
    'Long and uneven lengths, with a rest at the end of the last tile, agree with the reference.',
  'shape/query-length': 'No row is lost or added at the edge of a tile of queries.',
  'shape/key-length': 'No key is lost or added at the edge of a tile of keys.',
  'shape/head-size': 'No element is lost where the head size does not fill a vector.',
};

/** Lengths at, before and after the edges of tiles that engines use. */
const EDGES = [1, 2, 3, 5, 8, 13, 31, 32, 33, 63, 64, 65];

export function shapeCases(): ConformanceCase[] {
  const sketches: Record<string, Sketch> = {
    control: {},
    'one-of-everything': { batch: 1, heads: 1, queryLength: 1, headDim: 1 },
    'batch/1': { batch: 1 },
    'batch/3': { batch: 3 },
    'batch/7': { batch: 7, heads: 1, queryLength: 3 },
    'heads/1': { heads: 1 },
    'heads/3': { heads: 3 },
    'heads/12': { heads: 12, batch: 1, queryLength: 4 },
    'no-queries': { queryLength: 0, keyLength: 5 },
    'no-keys': { queryLength: 5, keyLength: 0 },
    nothing: { queryLength: 0, keyLength: 0 },
    'lengths/127-129': { batch: 1, heads: 1, queryLength: 127, keyLength: 129 },
    'lengths/129-127': { batch: 1, heads: 1, queryLength: 129, keyLength: 127 },
    'lengths/300-257': { batch: 1, heads: 1, queryLength: 300, keyLength: 257, headDim: 4 },
    'lengths/1-301': { batch: 1, queryLength: 1, keyLength: 301 },
    'lengths/301-1': { batch: 1, queryLength: 301, keyLength: 1 },
  };
  for (const length of EDGES) {
    sketches[`query-length/${length}`] = { batch: 1, queryLength: length, keyLength: 9 };
    sketches[`key-length/${length}`] = { batch: 1, queryLength: 5, keyLength: length };
  }
  for (const headDim of [1, 2, 3, 5, 16, 31, 32, 33, 64, 80, 128]) {
    sketches[`head-size/${headDim}`] = { batch: 1, queryLength: 9, headDim };
  }
  return agreements('shape', sketches);
}

import type { ConformanceCase } from '../../case.ts';
import type { Sketch } from '../../sketch.ts';
import { agreements } from '../building/agreement.ts';

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

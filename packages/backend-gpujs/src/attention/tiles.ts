import type { AttentionProblem, Plan } from '@heed/core';
import type { VisibleKeys } from '@heed/core/backend';

/** Scores that are worked on together: slices b · Hq + h, query rows, and the keys that these rows can see. */
export interface Tile {
  readonly firstSlice: number;
  readonly tileSlices: number;
  readonly firstRow: number;
  readonly tileRows: number;
  readonly firstKey: number;
  readonly tileKeys: number;
}

/** 16 MiB of scores, and as much again for weights: enough threads to fill a GPU, far from the N² of long sequences. */
const MOST_SCORES = 2 ** 22;
/** A thread finds its row by a division that is exact up to here; and WebGPU starts no more than this at once. */
const MOST_ROWS = 2 ** 19;
const MOST_SLICES = 2 ** 15;
/** WebAssembly computes four neighbouring keys at once, if rows are whole quads. */
const QUAD = 4;

/** The largest tile of a problem. Weights that are asked for are one tile: the result itself has that size. */
export function largestTile(problem: AttentionProblem): { slices: number; rows: number; keys: number } {
  const { batch, heads, queryLength, keyLength } = problem;
  const slices = batch * heads;
  if (problem.outputs.includes('weights')) {
    return { slices, rows: queryLength, keys: Math.max(1, keyLength) };
  }
  const keys = wholeQuads(keyLength);
  const most = Math.min(MOST_ROWS, Math.max(1, Math.floor(MOST_SCORES / keys)));
  const tileSlices = Math.min(slices, most, MOST_SLICES);
  return { slices: tileSlices, rows: Math.min(queryLength, Math.floor(most / tileSlices)), keys };
}

/** All tiles of a run. Keys that causal, window and lengths rule out for all rows of a tile are not in it. */
export function* tilesOf(problem: AttentionProblem, visible: VisibleKeys): Generator<Tile> {
  const { batch, heads, queryLength } = problem;
  const whole = largestTile(problem);
  for (let firstSlice = 0; firstSlice < batch * heads; firstSlice += whole.slices) {
    const tileSlices = Math.min(whole.slices, batch * heads - firstSlice);
    for (let firstRow = 0; firstRow < queryLength; firstRow += whole.rows) {
      const tileRows = Math.min(whole.rows, queryLength - firstRow);
      const rows = { firstSlice, tileSlices, firstRow, tileRows };
      yield problem.outputs.includes('weights')
        ? { ...rows, firstKey: 0, tileKeys: whole.keys }
        : { ...rows, ...seenKeys(rows, heads, visible) };
    }
  }
}

function seenKeys(
  { firstSlice, tileSlices, firstRow, tileRows }: Omit<Tile, 'firstKey' | 'tileKeys'>,
  heads: number,
  visible: VisibleKeys,
): Pick<Tile, 'firstKey' | 'tileKeys'> {
  let first = Number.MAX_SAFE_INTEGER;
  let end = 0;
  const lastBatch = Math.floor((firstSlice + tileSlices - 1) / heads);
  for (let b = Math.floor(firstSlice / heads); b <= lastBatch; b++) {
    for (let i = firstRow; i < firstRow + tileRows; i++) {
      if (visible.end(b, i) <= visible.first(b, i)) continue;
      first = Math.min(first, visible.first(b, i));
      end = Math.max(end, visible.end(b, i));
    }
  }
  return end === 0 ? { firstKey: 0, tileKeys: QUAD } : { firstKey: first, tileKeys: wholeQuads(end - first) };
}

function wholeQuads(keys: number): number {
  return Math.max(1, Math.ceil(keys / QUAD)) * QUAD;
}

/** What a kernel says of itself. Two arrays of the size of a tile are in use at a time. */
export function planOf(problem: AttentionProblem): Plan {
  const { slices, rows, keys } = largestTile(problem);
  return {
    algorithm: 'tiles of scores on the device, two-pass softmax',
    tile: { query: rows, key: keys },
    scratchBytes: 2 * 4 * slices * rows * keys,
  };
}

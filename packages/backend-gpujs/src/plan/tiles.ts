import type { AttentionProblem, Plan } from '@heed/core';
import type { VisibleKeys } from '@heed/core/backend';
import type { Engine } from '../platform/engine.ts';

/** Scores that are computed together: slices b · Hq + h, query rows, and the keys that these rows can see. */
export interface Tile {
  readonly firstSlice: number;
  readonly tileSlices: number;
  readonly firstRow: number;
  readonly tileRows: number;
  readonly firstKey: number;
  readonly tileKeys: number;
}

/** 16 MiB of scores, and again for weights: enough threads to fill a GPU, far less than the N² of long sequences. */
const MAXIMUM_SCORES = 2 ** 22;
/** Maximum of rows of a tile: a thread finds its row by a division that is exact up to here. */
export const MAXIMUM_ROWS: number = 2 ** 19;
/** WebAssembly computes four neighboring keys at once, if rows are whole quads. */
const QUAD = 4;
/** Number of tile widths of a problem: gpu.js compiles WebAssembly for each, and keeps the last eight. */
const SIZES = 6;

/** Limits of an engine that determine the size of tiles. */
export type TileLimits = Pick<Engine, 'longestLaunch' | 'copyRows'>;

/** All scores as one tile, or as several. */
export type Division = 'whole' | 'parts';

/**
 * Division of the forward pass of a problem. Gradients are in parts. Requested weights are one tile if an engine
 * cannot write arrays in place: each tile's program would copy those of all others.
 */
export function divisionOf({ outputs }: AttentionProblem, { copyRows }: TileLimits): Division {
  return outputs.includes('weights') && copyRows === undefined ? 'whole' : 'parts';
}

/** Lengths of the tiles of a problem; those at its ends may be shorter. */
function tileLengths(
  { batch, heads, queryLength, keyLength, headDim, valueDim }: AttentionProblem,
  division: Division,
  { longestLaunch }: TileLimits,
): { slices: number; rows: number; keys: number } {
  const slices = batch * heads;
  if (division === 'whole') return { slices, rows: queryLength, keys: Math.max(1, keyLength) };
  const keys = wholeQuads(keyLength);
  const maximumScores = Math.min(MAXIMUM_SCORES, longestLaunch / Math.max(headDim, valueDim));
  const maximumRows = Math.min(MAXIMUM_ROWS, Math.max(1, Math.floor(maximumScores / keys)));
  const tileSlices = Math.min(slices, maximumRows);
  return { slices: tileSlices, rows: Math.min(queryLength, Math.floor(maximumRows / tileSlices)), keys };
}

/** All tiles of a run. A tile omits keys that causal, window and lengths exclude for all its rows. */
export function* tilesOf(
  problem: AttentionProblem,
  visible: VisibleKeys,
  division: Division,
  limits: TileLimits,
): Generator<Tile> {
  const { batch, heads, queryLength } = problem;
  const whole = tileLengths(problem, division, limits);
  for (let firstSlice = 0; firstSlice < batch * heads; firstSlice += whole.slices) {
    const tileSlices = Math.min(whole.slices, batch * heads - firstSlice);
    for (let firstRow = 0; firstRow < queryLength; firstRow += whole.rows) {
      const tileRows = Math.min(whole.rows, queryLength - firstRow);
      const rows = { firstSlice, tileSlices, firstRow, tileRows };
      yield division === 'whole'
        ? { ...rows, firstKey: 0, tileKeys: whole.keys }
        : { ...rows, ...seenKeys(rows, problem, visible) };
    }
  }
}

function seenKeys(
  { firstSlice, tileSlices, firstRow, tileRows }: Omit<Tile, 'firstKey' | 'tileKeys'>,
  { heads, keyLength }: AttentionProblem,
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
  if (end === 0) return { firstKey: 0, tileKeys: QUAD };
  const step = wholeQuads(keyLength / SIZES);
  return {
    firstKey: first,
    tileKeys: Math.min(Math.ceil((end - first) / step) * step, wholeQuads(keyLength)),
  };
}

function wholeQuads(keys: number): number {
  return Math.max(1, Math.ceil(keys / QUAD)) * QUAD;
}

/** Slice and query row of a row of a tile. */
export function placeOf({ firstSlice, firstRow, tileRows }: Tile, row: number): { slice: number; i: number } {
  return { slice: firstSlice + Math.floor(row / tileRows), i: firstRow + (row % tileRows) };
}

/** Threads for the scores of a tile. */
export function shapeOf({ tileKeys, tileRows, tileSlices }: Tile): number[] {
  return [tileKeys, tileRows, tileSlices];
}

/** Plan of a kernel: arrays of the size of a tile are scores and weights, and three more for gradients. */
export function planOf(problem: AttentionProblem, limits: TileLimits): Plan {
  const sizes = [{ division: divisionOf(problem, limits), arrays: 2 }];
  if (problem.gradient) sizes.push({ division: 'parts', arrays: problem.softcap === null ? 3 : 5 });
  const bytes = sizes.map(({ division, arrays }) => {
    const { slices, rows, keys } = tileLengths(problem, division, limits);
    return 4 * arrays * slices * rows * keys;
  });
  const { rows, keys } = tileLengths(problem, divisionOf(problem, limits), limits);
  return {
    algorithm: 'tiles of scores on the device, two-pass softmax',
    tile: { query: rows, key: keys },
    scratchBytes: Math.max(...bytes),
  };
}

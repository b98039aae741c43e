import type { AttentionProblem, Plan } from '@heed/core';
import { visibleKeys } from '@heed/core/backend';
import { isBare } from '../forward/finite.ts';
import { mayHaveSmallScores } from '../forward/small-scores.ts';
import type { Engine } from '../platform/engine.ts';
import {
  type Tile,
  type TileGrid,
  type TileLimits,
  hasLengths,
  isEmpty,
  lengthOf,
  tileGrid,
  tilesOf,
} from './tiles.ts';

/** A problem on an engine, and its tiles. */
export interface TiledProblem {
  readonly engine: Engine;
  readonly problem: AttentionProblem;
  readonly grid: TileGrid;
  /** The tiles of every run; null when they depend on lengths or offsets that come with a run. */
  readonly tiles: readonly Tile[] | null;
  /** True if the problem is two products of whole tensors with a softmax between them. */
  readonly isTextbook: boolean;
}

export function tiledProblem(engine: Engine, problem: AttentionProblem, limits?: TileLimits): TiledProblem {
  const grid = tileGrid(problem, limits);
  const tiles = isSettled(problem) ? [...tilesOf(problem, grid, visibleKeys(problem, {}))] : null;
  return { engine, problem, grid, tiles, isTextbook: isTextbook(problem, tiles) };
}

/** Returns whether the problem alone decides what its rows can see, in every batch element alike. */
export function isSettled({ lengths, alignment }: AttentionProblem): boolean {
  return !hasLengths(lengths) && alignment !== 'offset';
}

/** Returns whether two products of whole tensors with a softmax between them are all there is to do. */
function isTextbook(problem: AttentionProblem, tiles: readonly Tile[] | null): boolean {
  const { layout, heads, kvHeads, outputs } = problem;
  const isWhole = tiles?.length === 1 && !isEmpty(tiles[0]!) && layout === 'bhld' && heads === kvHeads;
  return isWhole && isBare(problem) && outputs.join() === 'output' && !mayHaveSmallScores(problem);
}

/** TensorFlow holds the scores, their exponentials, and one array in between. */
const ARRAYS_OF_SCORES = 3;

/** Plan of a kernel. */
export function planOf({ problem, grid }: TiledProblem): Plan {
  const [batches, kvHeads, rows] = [grid.batches, grid.kvHeads, grid.rows].map((ranges) =>
    Math.max(...ranges.map(lengthOf)),
  ) as [number, number, number];
  const scores = batches * kvHeads * (problem.heads / problem.kvHeads) * rows * problem.keyLength;
  return {
    algorithm: 'matMul, softmax, matMul over tiles of query rows, float32',
    tile: { query: rows, key: problem.keyLength },
    scratchBytes: 4 * ARRAYS_OF_SCORES * scores,
  };
}

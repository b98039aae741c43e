import type { AttentionProblem, Plan } from '@heed/core';
import { type KernelDefinition, visibleKeys } from '@heed/core/backend';
import type { Engine } from './engine.ts';
import { isBare } from './finite.ts';
import type { Native } from './memory.ts';
import { runForward } from './run-forward.ts';
import { runGradient } from './run-gradient.ts';
import { mayHaveSmallScores } from './small-scores.ts';
import { isEmpty } from './tile-inputs.ts';
import { type Tile, type TileGrid, type TileLimits, lengthOf, tileGrid, tilesOf } from './tiles.ts';
import { type Kernel, isSettled } from './turns.ts';

export function tensorflowKernel(
  engine: Engine,
  problem: AttentionProblem,
  limits?: TileLimits,
): KernelDefinition<Native> {
  const grid = tileGrid(problem, limits);
  const tiles = isSettled(problem) ? [...tilesOf(problem, grid, visibleKeys(problem, {}))] : null;
  const kernel: Kernel = { engine, problem, grid, tiles, isTextbook: isTextbook(problem, tiles) };
  return {
    plan: planOf(problem, grid),
    run: (inputs, options) => runForward(kernel, inputs, options),
    gradient: (inputs, forward, options) => runGradient(kernel, inputs, forward, options),
  };
}

function isTextbook(problem: AttentionProblem, tiles: readonly Tile[] | null): boolean {
  const { layout, heads, kvHeads, outputs } = problem;
  const isWhole = tiles?.length === 1 && !isEmpty(tiles[0]!) && layout === 'bhld' && heads === kvHeads;
  return isWhole && isBare(problem) && outputs.join() === 'output' && !mayHaveSmallScores(problem);
}

/** TensorFlow holds the scores, their exponentials, and one array in between. */
const ARRAYS_OF_SCORES = 3;

function planOf(problem: AttentionProblem, grid: TileGrid): Plan {
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

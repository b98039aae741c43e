import type { AttentionProblem } from '@heed/core';
import { HEAP_START } from '../memory/heap.ts';

/** Rows of queries in a block: its queries and outputs (64 KiB each at 64 numbers a row) stay in the second-level cache. */
const FORWARD_ROWS = 128;
/** Fewer in the gradient, which keeps weights of the rows of a block with all keys. */
const GRADIENT_ROWS = 64;
/** Keys in a tile: its keys and values (64 KiB each at 64 numbers a row) stay in that cache, too. */
const TILE_KEYS = 128;
/** Rows that `multiply.ts` multiplies together. */
export const GROUP_ROWS = 4;

/** Tile sizes and offsets in the heap. Strides are even, for the pairs of columns of `multiply.ts`. */
export interface ForwardLayout {
  /** Query rows in a block, over all heads that share a key head. */
  readonly rows: number;
  /** Keys in a tile. Tiles begin at multiples of it, so that a row's bits do not depend on the other rows. */
  readonly keys: number;
  readonly queryStride: number;
  readonly valueStride: number;
  readonly scoreStride: number;
  /** [rows, queryStride] */
  readonly query: number;
  /** [rows, valueStride]: the output before its division by the row sum. */
  readonly output: number;
  /** [rows]: the row maximum so far. */
  readonly max: number;
  /** [rows]: the row sum so far, relative to the maximum so far. */
  readonly sum: number;
  /** [keys + 1, queryStride]; the additional row pads an odd number of keys. */
  readonly key: number;
  /** [keys + 1, valueStride] */
  readonly value: number;
  /** [GROUP_ROWS, scoreStride]: scores, then exponentials, of a row group with the keys of a tile. */
  readonly score: number;
  /** [rows, tileCount] if weights are requested: the row maximum that each tile's weights are relative to. */
  readonly tileMax: number;
  readonly tileCount: number;
  /** Length of the heap. */
  readonly length: number;
}

export interface GradientLayout extends ForwardLayout {
  /** [rows, valueStride] */
  readonly dOutput: number;
  /** [rows, queryStride] */
  readonly dQuery: number;
  /** [tiles, rows, scoreStride]: the weights of a block with all keys that it sees, tile by tile. */
  readonly weights: number;
  /** [tiles, rows, scoreStride]: the gradients of the weights, then of the scores. */
  readonly dScore: number;
  /** [tiles, rows, scoreStride] with a softcap: its derivative. */
  readonly slope: number;
  /** [keys, queryStride]: a block's contribution to dKey. */
  readonly dKey: number;
  /** [keys, valueStride]: a block's contribution to dValue. */
  readonly dValue: number;
  /** From one tile to the next. */
  readonly tileStride: number;
}

export function forwardLayout(problem: AttentionProblem, maximumRows: number = FORWARD_ROWS): ForwardLayout {
  const { heads, kvHeads, queryLength, keyLength, headDim, valueDim } = problem;
  const rowCount = (heads / kvHeads) * queryLength;
  const blocks = Math.max(1, Math.ceil(rowCount / maximumRows));
  const rows = roundUp(Math.max(1, Math.ceil(rowCount / blocks)), GROUP_ROWS);
  const keys = Math.min(TILE_KEYS, roundUp(Math.max(1, keyLength), 2));
  const queryStride = roundUp(headDim, 2);
  const valueStride = roundUp(valueDim, 2);
  const scoreStride = keys + 2;
  // The keys of a ring may begin and end within a tile.
  const tiles = Math.ceil(keyLength / keys) + (problem.ring ? 1 : 0);
  const tileCount = problem.outputs.includes('weights') ? tiles : 0;
  const take = allocator(HEAP_START);
  return {
    rows,
    keys,
    queryStride,
    valueStride,
    scoreStride,
    query: take(rows * queryStride),
    output: take(rows * valueStride),
    max: take(rows),
    sum: take(rows),
    key: take((keys + 1) * queryStride),
    value: take((keys + 1) * valueStride),
    score: take(GROUP_ROWS * scoreStride),
    tileMax: take(rows * tileCount),
    tileCount,
    length: take(0),
  };
}

export function gradientLayout(problem: AttentionProblem): GradientLayout {
  const forward = forwardLayout(problem, GRADIENT_ROWS);
  const { rows, keys, queryStride, valueStride, scoreStride } = forward;
  const tileStride = rows * scoreStride;
  const tiles = maximumTiles(problem, rows, keys);
  const take = allocator(forward.length);
  return {
    ...forward,
    dOutput: take(rows * valueStride),
    dQuery: take(rows * queryStride),
    weights: take(tiles * tileStride),
    dScore: take(tiles * tileStride),
    slope: take(problem.softcap === null ? 0 : tiles * tileStride),
    dKey: take(keys * queryStride),
    dValue: take(keys * valueStride),
    tileStride,
    length: take(0),
  };
}

/** Maximum number of tiles that the rows of one block see. */
function maximumTiles({ window, causal, keyLength }: AttentionProblem, rows: number, keys: number): number {
  const all = Math.ceil(keyLength / keys);
  const right = causal ? 0 : (window?.right ?? null);
  const left = window?.left ?? null;
  return left === null || right === null ? all : Math.min(all, Math.ceil((left + right + rows) / keys) + 1);
}

function allocator(start: number): (size: number) => number {
  let next = start;
  return (size) => {
    const at = next;
    next += size;
    return at;
  };
}

function roundUp(n: number, multiple: number): number {
  return Math.ceil(n / multiple) * multiple;
}

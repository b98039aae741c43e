import type { AttentionProblem } from '@heed/core';
import type { VisibleKeys } from '@heed/core/backend';

/** Range from start, inclusive, to end, exclusive. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

export function lengthOf({ start, end }: Range): number {
  return end - start;
}

/** A part of the scores `[B, Hq, Lq, Lk]` that is computed at once: rows times the keys that they see. */
export interface Tile {
  readonly batches: Range;
  readonly kvHeads: Range;
  readonly rows: Range;
  /** Every key that some row of the tile may attend to; empty when there is none. */
  readonly keys: Range;
  /** Those of `keys` that every row may attend to, as far as causal, window and lengths decide; may be empty. */
  readonly common: Range;
  /** True if causal, window and lengths leave nothing to some row. */
  readonly hasEmptyRows: boolean;
}

export function isEmpty({ rows, keys }: Tile): boolean {
  return lengthOf(rows) === 0 || lengthOf(keys) === 0;
}

/** Division of the scores: a regular grid, each list in ascending order. */
export interface TileGrid {
  readonly batches: readonly Range[];
  readonly kvHeads: readonly Range[];
  readonly rows: readonly Range[];
}

/** Limits of the size of tiles. */
export interface TileLimits {
  /** Scores in one tile, at most. TensorFlow holds about three arrays of them at a time. */
  readonly scores: number;
  /** The same for selection `sample`, where noise is made in JavaScript and other work should get its turn. */
  readonly sampledScores: number;
  /** Rows below which multiplying matrices becomes slow: a tile rather has fewer heads. */
  readonly minimumRows: number;
  /** Rows of a tile where causal leaves out keys: the fewer, the more are left out. */
  readonly causalRows: number;
  /** The same where a window does. */
  readonly windowRows: number;
  /** Scores of one batch element above which it pays to compute it apart, on the keys that it has. */
  readonly apart: number;
}

/** 32 MB of scores in float32. Arrays above are memory that malloc asks the system for each time, page by page. */
const LIMITS: TileLimits = {
  scores: 2 ** 23,
  sampledScores: 2 ** 18,
  minimumRows: 1024,
  causalRows: 256,
  windowRows: 128,
  apart: 2 ** 16,
};

/** Cuts the scores so that a tile fits the budget, and so that causal and window leave whole tiles out. */
export function tileGrid(problem: AttentionProblem, limits: TileLimits = LIMITS): TileGrid {
  const { batch, heads, kvHeads, queryLength } = problem;
  const scores = problem.selection === 'sample' ? limits.sampledScores : limits.scores;
  const wantedRows = Math.max(1, rowsWanted(problem, limits));
  // Scores of one row, in all the query heads that share a key/value head.
  const unit = Math.max(1, (heads / kvHeads) * keysOfRows(problem, wantedRows));
  const minimumRows = Math.min(wantedRows, limits.minimumRows);
  const headsAtOnce = within(1, Math.floor(scores / (unit * minimumRows)), kvHeads);
  const ownKeys = hasLengths(problem.lengths) || problem.alignment === 'offset';
  const apart = ownKeys && unit * kvHeads * wantedRows > limits.apart;
  const batchesAtOnce =
    apart || headsAtOnce < kvHeads
      ? 1
      : within(1, Math.floor(scores / (unit * kvHeads * minimumRows)), batch);
  const rowsAtOnce = within(1, Math.floor(scores / (unit * headsAtOnce * batchesAtOnce)), wantedRows);
  return {
    batches: cut(batch, batchesAtOnce),
    kvHeads: cut(kvHeads, headsAtOnce),
    rows: cut(queryLength, rowsAtOnce),
  };
}

function rowsWanted({ causal, window, queryLength }: AttentionProblem, limits: TileLimits): number {
  if (!causal && window === null) return queryLength;
  const rows = window === null ? limits.causalRows : limits.windowRows;
  // Two tiles leave out less than their second call costs.
  return queryLength > 2 * rows ? rows : queryLength;
}

/** Returns whether some batch elements may have fewer keys or rows than others. */
export function hasLengths({ key, keyStart, query }: AttentionProblem['lengths']): boolean {
  return key || keyStart || query;
}

/** Largest number of keys that any of so many neighboring rows attend to. */
function keysOfRows({ window, causal, keyLength }: AttentionProblem, rows: number): number {
  const left = window?.left ?? keyLength;
  const right = causal ? 0 : (window?.right ?? keyLength);
  return Math.min(keyLength, left + rows + right);
}

function within(minimum: number, number: number, maximum: number): number {
  return Math.max(minimum, Math.min(number, maximum));
}

/** Parts of equal length, or nearly, none longer than `maximum`; one empty part when there is nothing to cut. */
function cut(length: number, maximum: number): Range[] {
  const parts = Math.max(1, Math.ceil(length / maximum));
  return Array.from({ length: parts }, (_, n) => ({
    start: Math.floor((n * length) / parts),
    end: Math.floor(((n + 1) * length) / parts),
  }));
}

/** The tiles of a run: batch by batch, head by head, downwards. */
export function* tilesOf(problem: AttentionProblem, grid: TileGrid, visible: VisibleKeys): Generator<Tile> {
  for (const batches of grid.batches) {
    const columns = keyRanges(problem, visible, batches, grid.rows);
    for (const kvHeads of grid.kvHeads) {
      for (const [n, rows] of grid.rows.entries()) yield { batches, kvHeads, rows, ...columns[n]! };
    }
  }
}

/** Returns whether every row of a tile may attend to all of its keys, as far as causal, window and lengths decide. */
export function isDense({ keys, common }: Tile): boolean {
  return common.start <= keys.start && common.end >= keys.end;
}

/** Matrices are multiplied fastest when cut at such a multiple. */
const PART_KEYS = 64;

/** A tile cut in two where that spares the mask: the first keys, which all rows may attend to, and the rest. */
export function partsOf(tile: Tile): readonly Tile[] {
  const { keys, common } = tile;
  if (isDense(tile) || common.start > keys.start) return [tile];
  const middle = keys.start + Math.floor((common.end - keys.start) / PART_KEYS) * PART_KEYS;
  if (middle <= keys.start) return [tile];
  const first = { start: keys.start, end: middle };
  return [
    { ...tile, keys: first, common: first },
    { ...tile, keys: { start: middle, end: keys.end } },
  ];
}

type Columns = Pick<Tile, 'keys' | 'common' | 'hasEmptyRows'>;

function keyRanges(
  problem: AttentionProblem,
  visible: VisibleKeys,
  batches: Range,
  rowTiles: readonly Range[],
): Columns[] {
  const columns = rowTiles.map((rows) => columnsOf(problem, visible, batches, rows));
  // The gradient adds up the keys of tile after tile and lets go of those left behind: ranges may not turn back.
  // They never do within one batch element; where several share a tile, one of them may end before the others.
  let start = Infinity;
  for (const [n, { keys }] of [...columns.entries()].reverse()) {
    if (keys.end > keys.start) start = Math.min(start, keys.start);
    if (keys.end > keys.start && start < keys.start) {
      columns[n] = { ...columns[n]!, keys: { start, end: keys.end } };
    }
  }
  return columns;
}

const NO_KEYS: Range = { start: 0, end: 0 };

function columnsOf(problem: AttentionProblem, visible: VisibleKeys, batches: Range, rows: Range): Columns {
  const { causal, window, lengths, keyLength } = problem;
  const all = { start: 0, end: keyLength };
  if (!causal && window === null && !hasLengths(lengths)) {
    return { keys: all, common: all, hasEmptyRows: keyLength === 0 };
  }
  let [first, end, latestFirst, earliestEnd] = [keyLength, 0, 0, keyLength];
  let hasEmptyRows = false;
  for (let b = batches.start; b < batches.end; b++) {
    for (let i = rows.start; i < rows.end; i++) {
      const from = visible.first(b, i);
      const to = visible.end(b, i);
      latestFirst = Math.max(latestFirst, from);
      earliestEnd = Math.min(earliestEnd, to);
      hasEmptyRows ||= to <= from;
      if (to <= from) continue;
      first = Math.min(first, from);
      end = Math.max(end, to);
    }
  }
  if (end <= first) return { keys: NO_KEYS, common: NO_KEYS, hasEmptyRows };
  const common = latestFirst < earliestEnd ? { start: latestFirst, end: earliestEnd } : { start: end, end };
  return { keys: { start: first, end }, common, hasEmptyRows };
}

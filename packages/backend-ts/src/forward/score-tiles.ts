import type { AttentionInputs, AttentionProblem, Tensor } from '@heed/core';
import { type RowStrides, type VisibleKeys, rowStrides, visibleKeys } from '@heed/core/backend';
import { directScores } from './direct.ts';
import { type Heap, fillHeap } from '../memory/heap.ts';
import { type ForwardLayout, GROUP_ROWS } from '../plan/layout.ts';
import { multiply } from './multiply.ts';
import { CacheRows } from '../memory/cache-rows.ts';
import { packRows, rowsFrom } from '../memory/pack.ts';
import { type RowPlace, type ScoreStep, scoreSteps } from './score-steps.ts';
import { softcap, softcapWithSlope } from './softcap.ts';

/** A query row of the open block. */
export interface QueryRow extends RowPlace {
  /** Keys first … end − 1 are visible to it by causal, window and lengths. */
  first: number;
  end: number;
  /** The row may attend to keys from … to − 1 of the selected tile; none if from = to. */
  from: number;
  to: number;
  /** True if the query has neither NaN nor infinity. */
  finite: boolean;
}

/**
 * Scores, one block of query rows and one tile of keys at a time: the common part of forward pass and gradient.
 *
 * A block holds the rows of all heads that read one key head, so that a packed key serves them all. The use is
 * `openBlock`, then for each tile `selectTile`, and `scoreGroup` for each row group.
 */
export class ScoreTiles {
  readonly rows: QueryRow[];
  /** Rows of the open block. */
  count = 0;
  /** Union of the keys that the rows of the open block see. */
  firstKey = 0;
  endKey = 0;
  /** First key of the selected tile. */
  tileStart = 0;
  /** Union of the keys of the selected tile that the rows attend to. */
  from = 0;
  to = 0;
  /** The same for the row group whose scores were computed last. */
  groupFrom = 0;
  groupTo = 0;

  private readonly problem: AttentionProblem;
  private readonly inputs: AttentionInputs<Tensor>;
  private readonly heap: Heap;
  private readonly layout: ForwardLayout;
  private readonly visible: VisibleKeys;
  private readonly steps: ScoreStep[];
  private readonly narrowing: ScoreStep[];
  private readonly queryStrides: RowStrides;
  private readonly keys: CacheRows;
  private isPacked = false;
  /** Keys of the packed tile with NaN or infinity. */
  private readonly nonFiniteKeys: number[] = [];

  constructor(problem: AttentionProblem, inputs: AttentionInputs<Tensor>, heap: Heap, layout: ForwardLayout) {
    this.problem = problem;
    this.inputs = inputs;
    this.heap = heap;
    this.layout = layout;
    this.visible = visibleKeys(problem, inputs);
    this.steps = scoreSteps(problem, inputs);
    this.narrowing = this.steps.filter((step) => step.firstKey !== undefined);
    const { heads, queryLength, headDim } = problem;
    this.queryStrides = rowStrides(problem.layout, heads, queryLength, headDim);
    const { key, keyScales, blockTable } = inputs;
    const stored = { rows: key, scales: keyScales, blockTable };
    this.keys = new CacheRows(problem, stored, headDim, problem.groups?.key);
    this.rows = Array.from({ length: layout.rows }, newRow);
  }

  /**
   * Selects the rows firstRow, … of a key head and packs their queries. Rows count through all heads of the group at
   * one position before the next position, so that neighbors see nearly the same keys.
   */
  openBlock(batch: number, kvHead: number, firstRow: number, count: number): void {
    const headGroup = this.problem.heads / this.problem.kvHeads;
    this.keys.open(batch, kvHead);
    this.count = count;
    this.firstKey = Infinity;
    this.endKey = 0;
    const offset = this.visible.offset(batch);
    for (let r = 0; r < count; r++) {
      const row = this.rows[r]!;
      row.batch = batch;
      row.index = Math.floor((firstRow + r) / headGroup);
      row.head = kvHead * headGroup + ((firstRow + r) % headGroup);
      row.position = row.index + offset;
      row.first = this.visible.first(batch, row.index);
      row.end = this.visible.end(batch, row.index);
      row.finite = this.packQuery(r, row);
      if (row.first >= row.end) continue;
      this.firstKey = Math.min(this.firstKey, row.first);
      this.endKey = Math.max(this.endKey, row.end);
    }
    if (this.endKey === 0) this.firstKey = 0;
  }

  /** Start of the first tile that a row of the block sees. */
  get firstTile(): number {
    return this.firstKey - (this.firstKey % this.layout.keys);
  }

  /**
   * Finds the keys of the tile that each row may attend to, before anything is computed.
   *
   * @returns whether there are any.
   */
  selectTile(start: number): boolean {
    this.tileStart = start;
    this.isPacked = false;
    this.nonFiniteKeys.length = 0;
    this.from = Infinity;
    this.to = 0;
    const tileEnd = start + this.layout.keys;
    for (let r = 0; r < this.count; r++) {
      const row = this.rows[r]!;
      row.from = Math.max(start, row.first);
      row.to = Math.max(row.from, Math.min(tileEnd, row.end));
      for (const step of this.narrowing) {
        row.from = step.firstKey!(row, row.from, row.to);
        row.to = step.endKey!(row, row.from, row.to);
      }
      if (row.from === row.to) continue;
      this.from = Math.min(this.from, row.from);
      this.to = Math.max(this.to, row.to);
    }
    return this.from < this.to;
  }

  /** Returns whether the block has so few rows that reading keys and values unpacked is faster, where they can be. */
  get isDirect(): boolean {
    return this.count < GROUP_ROWS && this.keys.isDirect;
  }

  /** Packs the selected keys of the tile, once. */
  packKeys(): void {
    if (this.isPacked) return;
    this.isPacked = true;
    const { key, queryStride } = this.layout;
    const at = key + (this.from - this.tileStart) * queryStride;
    if (this.keys.pack(this.heap, at, queryStride, this.from, this.to - this.from)) return;
    for (let j = this.from; j < this.to; j++) {
      if (!this.keys.isFinite(j)) this.nonFiniteKeys.push(j);
    }
  }

  /**
   * Selects rows r, …, r + count − 1.
   *
   * @returns whether any of them may attend to any key of the tile.
   */
  openGroup(r: number, count: number): boolean {
    this.groupFrom = Infinity;
    this.groupTo = 0;
    for (let n = r; n < r + count; n++) {
      const { from, to } = this.rows[n]!;
      if (from === to) continue;
      this.groupFrom = Math.min(this.groupFrom, from);
      this.groupTo = Math.max(this.groupTo, to);
    }
    return this.groupFrom < this.groupTo;
  }

  /**
   * Computes the scores of rows r, …, r + count − 1 with the keys that they may attend to; that of row r with the first
   * key of the tile is at `at`. Elements that are not written are pairs that no row of the row group may attend to.
   *
   * @param slopes position for the derivative of the softcap, in the layout of the scores; omitted: not computed.
   * @returns whether any row may attend to any key.
   */
  scoreGroup(r: number, count: number, at: number, slopes: number | null = null): boolean {
    if (!this.openGroup(r, count)) return false;
    if (!this.isDirect || !this.multiplyDirectly(r, count, at)) this.multiplyPacked(r, count, at);
    const { scoreStride } = this.layout;
    for (let n = 0; n < count; n++) {
      const shift = n * scoreStride - this.tileStart;
      this.finishScores(this.rows[r + n]!, at + shift, slopes === null ? null : slopes + shift);
    }
    return true;
  }

  /** @returns whether everything was finite; otherwise nothing has been computed. */
  private multiplyDirectly(r: number, count: number, at: number): boolean {
    const { query, queryStride, scoreStride } = this.layout;
    const keys = this.keys.from(this.groupFrom);
    const columns = this.groupTo - this.groupFrom;
    const to = at + this.groupFrom - this.tileStart;
    for (let n = 0; n < count; n++) {
      const start = query + (r + n) * queryStride;
      if (!directScores(this.heap, start, keys, columns, this.problem.scale, to + n * scoreStride))
        return false;
    }
    return true;
  }

  private multiplyPacked(r: number, count: number, at: number): void {
    this.packKeys();
    const { query, key, queryStride, scoreStride } = this.layout;
    const { headDim, scale } = this.problem;
    const skipped = this.groupFrom - this.tileStart;
    multiply(
      this.heap,
      query + r * queryStride,
      queryStride,
      1,
      key + skipped * queryStride,
      queryStride,
      1,
      at + skipped,
      scoreStride,
      count,
      evenUp(this.groupTo - this.groupFrom),
      headDim,
      scale,
      false,
    );
  }

  /** Every key that row r of the open block may attend to: the slow path, for the rare row that is not finite. */
  *attendedKeys(r: number): Generator<number, void, void> {
    const { heap, layout } = this;
    const row = this.rows[r]!;
    for (let start = this.firstTile; start < row.end; start += layout.keys) {
      row.from = Math.max(start, row.first);
      row.to = Math.min(start + layout.keys, row.end);
      const at = layout.score - row.from;
      fillHeap(heap, layout.score, layout.score + row.to - row.from, 0);
      for (const step of this.steps) step.apply(heap, layout.score, row, row.from, row.to);
      for (let j = row.from; j < row.to; j++) {
        if (heap[at + j] !== -Infinity) yield j;
      }
    }
  }

  private packQuery(r: number, row: QueryRow): boolean {
    const { batch, head, row: rowStride } = this.queryStrides;
    const start = row.batch * batch + row.head * head + row.index * rowStride;
    const source = rowsFrom(this.inputs.query, start, rowStride, this.problem.headDim);
    return packRows(this.heap, this.layout.query + r * this.layout.queryStride, 0, source, 1);
  }

  /** Runs every step between the product and the softmax. `at` and `slopes` are the positions of key 0. */
  private finishScores(row: QueryRow, at: number, slopes: number | null): void {
    const { heap } = this;
    const { softcap: cap, dtype } = this.problem;
    const { from, to } = row;
    if (from === to) return;
    if (dtype === 'float64') overflowToNaN(heap, at + from, to - from);
    if (cap !== null) {
      if (slopes === null) softcap(heap, at + from, to - from, cap);
      else softcapWithSlope(heap, at + from, to - from, cap, slopes + from);
    }
    for (const step of this.steps) step.apply(heap, at + from, row, from, to);
    if (!row.finite) {
      for (let j = from; j < to; j++) toNaN(heap, at + j);
    }
    for (const j of this.nonFiniteKeys) {
      if (j >= from && j < to) toNaN(heap, at + j);
    }
  }
}

function newRow(): QueryRow {
  return { batch: 0, head: 0, index: 0, position: 0, first: 0, end: 0, from: 0, to: 0, finite: true };
}

function evenUp(n: number): number {
  return n + (n & 1);
}

/** Marks an attended score as not finite. */
function toNaN(heap: Heap, at: number): void {
  if (heap[at] !== -Infinity) heap[at] = NaN;
}

/** Marks overflowed products of finite float64 numbers: an infinity must not look like an exclusion or hide in tanh. */
function overflowToNaN(heap: Heap, at: number, count: number): void {
  for (let p = at; p < at + count; p++) {
    if (!Number.isFinite(heap[p])) heap[p] = NaN;
  }
}

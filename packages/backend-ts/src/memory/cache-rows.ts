import type { AttentionProblem, Tensor } from '@heed/core';
import { type RowStrides, cacheStrides, isHalf, rowStrides } from '@heed/core/backend';
import type { Heap } from './heap.ts';
import { type SourceRows, isFiniteRow, packRows, numberAt, rowsFrom, zeroRows } from './pack.ts';

/** Keys or values as they are stored. */
export interface StoredRows {
  readonly rows: Tensor;
  /** Present if the rows are quantized. */
  readonly scales?: Tensor | undefined;
  /** Present if the rows lie in pages. */
  readonly blockTable?: Tensor<'int32'> | undefined;
}

/** Consecutive keys that are stored one after another. */
interface Run {
  /** Index of the first axis: a batch element, or a page; −1 if the keys do not exist. */
  readonly part: number;
  /** Place of the first key in it. */
  readonly place: number;
  readonly count: number;
}

/**
 * Keys or values of one key/value head at a time. A tile of them is packed into the heap: widened, multiplied by its
 * scales and gathered from its pages, so that nothing but a tile is ever stored as float64.
 */
export class CacheRows {
  /** True if rows of floats are stored one after another, so that they can be read where they are. */
  readonly isDirect: boolean;
  private readonly problem: AttentionProblem;
  private readonly stored: StoredRows;
  /** Numbers that are read of each row, and before them. */
  private readonly depth: number;
  private readonly start: number;
  /** Numbers that share a scale. */
  private readonly group: number;
  private readonly strides: RowStrides;
  private readonly scaleStrides: RowStrides;
  private batch = 0;
  private kvHead = 0;

  constructor(
    problem: AttentionProblem,
    stored: StoredRows,
    rowDepth: number,
    group: number | undefined,
    part: { readonly start: number; readonly length: number } = { start: 0, length: rowDepth },
  ) {
    const { pages, groups, cacheType, ring } = problem;
    this.problem = problem;
    this.stored = stored;
    this.depth = part.length;
    this.start = part.start;
    this.group = group ?? rowDepth;
    this.strides = this.stridesOf(rowDepth);
    this.scaleStrides = this.stridesOf(rowDepth / this.group);
    this.isDirect = pages === null && groups === null && !ring && !isHalf(cacheType);
  }

  /** Selects a key/value head. */
  open(batch: number, kvHead: number): void {
    this.batch = batch;
    this.kvHead = kvHead;
  }

  /** The rows from a key on, where they are stored. */
  from(key: number): SourceRows {
    return this.source({ part: this.batch, place: key, count: 1 });
  }

  /**
   * Copies the rows of `count` keys from `first` on, see {@link packRows}.
   *
   * @returns whether everything was finite.
   */
  pack(heap: Heap, to: number, toStride: number, first: number, count: number): boolean {
    let isFinite = true;
    for (let n = 0; n < count;) {
      const run = this.run(first + n, count - n);
      const at = to + n * toStride;
      if (run.part === -1) zeroRows(heap, at, toStride, this.depth, run.count);
      else if (!packRows(heap, at, toStride, this.source(run), run.count)) isFinite = false;
      n += run.count;
    }
    return isFinite;
  }

  /** Returns whether the row of a key is finite; true for keys that do not exist. */
  isFinite(key: number): boolean {
    const run = this.run(key, 1);
    return run.part === -1 || isFiniteRow(this.source(run), 0);
  }

  /** Number d of the row of a key that exists. */
  at(key: number, d: number): number {
    return numberAt(this.source(this.run(key, 1)), 0, d);
  }

  private stridesOf(depth: number): RowStrides {
    const { layout, kvHeads, pages } = this.problem;
    return pages === null
      ? cacheStrides(this.problem, depth)
      : rowStrides(layout, kvHeads, pages.size, depth);
  }

  /** The keys from `key` on that are stored one after another, at most `count`. */
  private run(key: number, count: number): Run {
    const { pages, keyLength, ring } = this.problem;
    if (ring) {
      const inRing = key % keyLength;
      return { part: this.batch, place: inRing, count: Math.min(count, keyLength - inRing) };
    }
    if (pages === null) return { part: this.batch, place: key, count };
    const place = key % pages.size;
    const part = this.stored.blockTable!.data[(this.batch * keyLength + key - place) / pages.size];
    return { part, place, count: Math.min(count, pages.size - place) };
  }

  private source({ part, place }: Run): SourceRows {
    const startOf = ({ batch, head, row }: RowStrides): number =>
      part * batch + this.kvHead * head + place * row;
    const { rows, scales } = this.stored;
    const start = startOf(this.strides);
    const scalesOfRows = scales && {
      data: scales.data.subarray(startOf(this.scaleStrides)) as Float32Array,
      stride: this.scaleStrides.row,
      group: this.group,
    };
    return rowsFrom(rows, start, this.strides.row, this.depth, scalesOfRows ?? null, this.start);
  }
}

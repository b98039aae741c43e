import type { AttentionInputs, AttentionProblem, Tensor } from '@heed/core';
import { type RowStrides, cacheStrides } from '@heed/core/backend';
import type { Heap } from '../memory/heap.ts';
import type { ForwardLayout } from '../plan/layout.ts';
import { type SourceRows, isFiniteRow, packRows, rowsFrom, tableOf } from '../memory/pack.ts';
import type { ScoreTiles } from './score-tiles.ts';

/** The values that belong to the selected tile of {@link ScoreTiles}. */
export class ValueTiles {
  /** Keys of the tile whose values have NaN or infinity. */
  readonly nonFinite: number[] = [];
  private readonly problem: AttentionProblem;
  private readonly value: Tensor;
  private readonly table: Float32Array | null;
  private readonly heap: Heap;
  private readonly layout: ForwardLayout;
  private readonly strides: RowStrides;
  private batch = 0;
  private kvHead = 0;

  constructor(problem: AttentionProblem, inputs: AttentionInputs<Tensor>, heap: Heap, layout: ForwardLayout) {
    this.problem = problem;
    this.value = inputs.value;
    this.table = tableOf(inputs.value.dtype);
    this.heap = heap;
    this.layout = layout;
    this.strides = cacheStrides(problem, problem.valueDim);
  }

  /** Selects the values of a key head. */
  openHead(batch: number, kvHead: number): void {
    this.batch = batch;
    this.kvHead = kvHead;
  }

  /** Packs the values of the selected keys. */
  pack(tiles: ScoreTiles): void {
    const { value, valueStride } = this.layout;
    const source = this.rows(tiles.from);
    const count = tiles.to - tiles.from;
    this.nonFinite.length = 0;
    if (packRows(this.heap, value + (tiles.from - tiles.tileStart) * valueStride, valueStride, source, count))
      return;
    for (let n = 0; n < count; n++) {
      if (!isFiniteRow(source, n)) this.nonFinite.push(tiles.from + n);
    }
  }

  /** Element d of the value of a key, not packed. */
  at(key: number, d: number): number {
    const element = this.value.data[this.start(key) + d];
    return this.table === null ? element : this.table[element];
  }

  /** The values from a key on, not packed. */
  rows(first: number): SourceRows {
    return rowsFrom(this.value, this.start(first), this.strides.row, this.problem.valueDim);
  }

  private start(key: number): number {
    return this.batch * this.strides.batch + this.kvHead * this.strides.head + key * this.strides.row;
  }
}

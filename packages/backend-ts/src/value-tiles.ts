import type { AttentionInputs, AttentionProblem, Tensor } from '@heed/core';
import { type RowStrides, rowStrides } from '@heed/core/backend';
import type { Heap } from './heap.ts';
import type { ForwardLayout } from './layout.ts';
import { type FloatArray, type SourceRows, isFiniteRow, packRows } from './pack.ts';
import type { ScoreTiles } from './score-tiles.ts';

/** The values that belong to the selected tile of {@link ScoreTiles}. */
export class ValueTiles {
  /** Keys of the tile whose values have NaN or infinity. */
  readonly nonFinite: number[] = [];
  private readonly problem: AttentionProblem;
  private readonly data: FloatArray;
  private readonly heap: Heap;
  private readonly layout: ForwardLayout;
  private readonly strides: RowStrides;

  constructor(problem: AttentionProblem, inputs: AttentionInputs<Tensor>, heap: Heap, layout: ForwardLayout) {
    this.problem = problem;
    this.data = inputs.value.data as FloatArray;
    this.heap = heap;
    this.layout = layout;
    this.strides = rowStrides(problem.layout, problem.kvHeads, problem.keyLength, problem.valueDim);
  }

  /** Packs the values of the selected keys. */
  pack(tiles: ScoreTiles, batch: number, kvHead: number): void {
    const { value, valueStride } = this.layout;
    const source = this.sourceRows(batch, kvHead, tiles.from);
    const count = tiles.to - tiles.from;
    this.nonFinite.length = 0;
    if (packRows(this.heap, value + (tiles.from - tiles.tileStart) * valueStride, valueStride, source, count)) return;
    for (let n = 0; n < count; n++) {
      if (!isFiniteRow(source, n)) this.nonFinite.push(tiles.from + n);
    }
  }

  /** Element d of a value, as it was given. */
  at(batch: number, kvHead: number, key: number, d: number): number {
    return this.data[this.sourceRows(batch, kvHead, key).start + d];
  }

  private sourceRows(batch: number, kvHead: number, first: number): SourceRows {
    const { strides } = this;
    return {
      data: this.data,
      start: batch * strides.batch + kvHead * strides.head + first * strides.row,
      stride: strides.row,
      depth: this.problem.valueDim,
    };
  }
}

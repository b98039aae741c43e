import type { AttentionInputs, AttentionProblem, Tensor } from '@heed/core';
import type { Heap } from '../memory/heap.ts';
import { CacheRows } from '../memory/cache-rows.ts';
import type { ForwardLayout } from '../plan/layout.ts';
import type { SourceRows } from '../memory/pack.ts';
import type { ScoreTiles } from './score-tiles.ts';

/** The values that belong to the selected tile of {@link ScoreTiles}. */
export class ValueTiles {
  /** Keys of the tile whose values have NaN or infinity. */
  readonly nonFinite: number[] = [];
  private readonly values: CacheRows;
  private readonly heap: Heap;
  private readonly layout: ForwardLayout;

  constructor(problem: AttentionProblem, inputs: AttentionInputs<Tensor>, heap: Heap, layout: ForwardLayout) {
    const { blockTable } = inputs;
    const { valueFromKey, headDim, valueDim, groups } = problem;
    this.values =
      valueFromKey === null
        ? new CacheRows(
            problem,
            { rows: inputs.value, scales: inputs.valueScales, blockTable },
            valueDim,
            groups?.value,
          )
        : new CacheRows(
            problem,
            { rows: inputs.key, scales: inputs.keyScales, blockTable },
            headDim,
            groups?.key,
            valueFromKey,
          );
    this.heap = heap;
    this.layout = layout;
  }

  /** Selects the values of a key head. */
  openHead(batch: number, kvHead: number): void {
    this.values.open(batch, kvHead);
  }

  /** Packs the values of the selected keys. */
  pack({ from, to, tileStart }: ScoreTiles): void {
    const { value, valueStride } = this.layout;
    this.nonFinite.length = 0;
    if (this.values.pack(this.heap, value + (from - tileStart) * valueStride, valueStride, from, to - from))
      return;
    for (let j = from; j < to; j++) {
      if (!this.values.isFinite(j)) this.nonFinite.push(j);
    }
  }

  /** Element d of the value of a key, not packed. */
  at(key: number, d: number): number {
    return this.values.at(key, d);
  }

  /** The values from a key on, not packed. */
  rows(first: number): SourceRows {
    return this.values.from(first);
  }
}

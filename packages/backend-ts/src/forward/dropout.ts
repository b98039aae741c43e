import type { AttentionInputs, AttentionProblem, Origin, Tensor } from '@heed/core';
import { dropoutOf } from '@heed/core/backend';
import type { Heap } from '../memory/heap.ts';
import { PhiloxRow } from './philox.ts';
import type { QueryRow } from './score-tiles.ts';

/** Dropout of the weights of single rows: SPEC.md, clause `dropout`. */
export class DroppedWeights {
  /** 1 / (1 − p). */
  readonly factor: number;
  private readonly threshold: number;
  private readonly words: PhiloxRow;
  private readonly origin: Origin;

  constructor({ factor, threshold, key }: NonNullable<ReturnType<typeof dropoutOf>>, origin?: Origin) {
    this.factor = factor;
    this.threshold = threshold;
    this.words = new PhiloxRow(...key);
    this.origin = origin ?? { batch: 0, head: 0, query: 0, key: 0 };
  }

  /**
   * Multiplies numbers of a row's keys in the selected tile by `factor`; those of dropped keys become 0. That of key
   * `row.from` is at `at`.
   */
  drop(row: QueryRow, heap: Heap, at: number, factor: number): void {
    const { batch, head, query, key } = this.origin;
    const { words, threshold } = this;
    words.moveTo(row.batch + batch, row.head + head, row.index + query);
    for (let j = row.from; j < row.to; j++) {
      const p = at + j - row.from;
      heap[p] = words.word(j + key) < threshold ? 0 : heap[p] * factor;
    }
  }
}

/** Dropout of a run; null where the problem has none. */
export function droppedWeights(
  problem: AttentionProblem,
  inputs: AttentionInputs<Tensor>,
): DroppedWeights | null {
  const dropout = dropoutOf(problem, inputs);
  return dropout && new DroppedWeights(dropout, inputs.origin);
}

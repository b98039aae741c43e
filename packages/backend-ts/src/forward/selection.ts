import type { AttentionInputs, AttentionProblem, Origin, Tensor } from '@heed/core';
import { GumbelRow } from './gumbel.ts';
import type { Heap } from '../memory/heap.ts';
import type { QueryRow } from './score-tiles.ts';

/** Choices of hard attention for a block's rows: the maximum score, with noise for `sample`; ties to the first key. */
export class Selection {
  /** The chosen key of each row; −1 while there is none. */
  readonly choice: Int32Array;
  private readonly best: Float64Array;
  private readonly noise: GumbelRow | null;
  private readonly origin: Origin;

  constructor(problem: AttentionProblem, inputs: AttentionInputs<Tensor>, rows: number) {
    this.choice = new Int32Array(rows);
    this.best = new Float64Array(rows);
    this.origin = inputs.origin ?? { batch: 0, head: 0, query: 0, key: 0 };
    this.noise = problem.selection === 'sample' ? new GumbelRow(inputs.seed!) : null;
  }

  begin(r: number): void {
    this.choice[r] = -1;
    this.best[r] = -Infinity;
  }

  /** Returns whether the chosen score is NaN. */
  isNonFinite(r: number): boolean {
    return Number.isNaN(this.best[r]);
  }

  /** Adds the scores of a row's keys in the selected tile; that of key `row.from` is at `at`. */
  consider(r: number, row: QueryRow, heap: Heap, at: number): void {
    const { batch, head, query, key } = this.origin;
    this.noise?.moveTo(row.batch + batch, row.head + head, row.index + query);
    for (let j = row.from; j < row.to; j++) {
      const score = heap[at + j - row.from];
      if (score === -Infinity) continue;
      const candidate = this.noise === null ? score : score + this.noise.noise(j + key);
      if (candidate > this.best[r] || (Number.isNaN(candidate) && !Number.isNaN(this.best[r]))) {
        this.best[r] = candidate;
        this.choice[r] = j;
      }
    }
  }
}

import { exponentials, largest } from './exponential.ts';
import { type Heap, fillHeap } from './heap.ts';
import type { ForwardLayout } from './layout.ts';

/**
 * Row maximum and row sum of a block's rows, as tiles come in (Milakov and Gimelshein, "Online normalizer calculation
 * for softmax", 2018, algorithm 3).
 */
export class OnlineSoftmax {
  /** Whether a row attended to something that is not finite. */
  readonly nonFinite: Uint8Array;
  private readonly heap: Heap;
  private readonly max: number;
  private readonly sum: number;

  constructor(heap: Heap, layout: ForwardLayout) {
    this.heap = heap;
    this.max = layout.max;
    this.sum = layout.sum;
    this.nonFinite = new Uint8Array(layout.rows);
  }

  /** Begins row r: empty, or with its sink in the denominator. A sink of −∞ is none. */
  begin(r: number, sink: number): void {
    this.heap[this.max + r] = sink;
    this.heap[this.sum + r] = sink === -Infinity ? 0 : 1;
    this.nonFinite[r] = sink === Infinity || Number.isNaN(sink) ? 1 : 0;
  }

  /** What {@link restore} takes. */
  save(r: number): readonly [max: number, sum: number] {
    return [this.heap[this.max + r], this.heap[this.sum + r]];
  }

  /** Undoes what row r has taken in since it was saved. */
  restore(r: number, [max, sum]: readonly [max: number, sum: number]): void {
    this.heap[this.max + r] = max;
    this.heap[this.sum + r] = sum;
  }

  rowMax(r: number): number {
    return this.nonFinite[r] ? NaN : this.heap[this.max + r];
  }

  rowSum(r: number): number {
    return this.nonFinite[r] ? NaN : this.heap[this.sum + r];
  }

  /**
   * Takes in `count` scores of row r and replaces them by their exponentials, relative to the maximum so far.
   *
   * @returns the factor that makes what was summed before relative to it as well.
   */
  absorb(r: number, at: number, count: number): number {
    const { heap } = this;
    const before = heap[this.max + r];
    const max = Math.max(before, largest(heap, at, count));
    if (!Number.isFinite(max)) {
      // −∞: nothing attended so far.
      if (max !== -Infinity) this.nonFinite[r] = 1;
      fillHeap(heap, at, at + count, 0);
      return 1;
    }
    const added = exponentials(heap, at, count, max);
    const factor = before === max ? 1 : Math.exp(before - max);
    heap[this.max + r] = max;
    heap[this.sum + r] = heap[this.sum + r] * factor + added;
    return factor;
  }
}

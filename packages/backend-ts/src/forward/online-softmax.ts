import { exponentials, maximum } from './exponential.ts';
import type { Heap } from '../memory/heap.ts';
import type { ForwardLayout } from '../plan/layout.ts';

/**
 * Row maximum and row sum of a block's rows, as tiles come in (Milakov and Gimelshein, "Online normalizer calculation
 * for softmax", 2018, algorithm 3). Both are NaN for a row that attends to NaN or infinity.
 */
export class OnlineSoftmax {
  private readonly heap: Heap;
  private readonly max: number;
  private readonly sum: number;

  constructor(heap: Heap, layout: ForwardLayout) {
    this.heap = heap;
    this.max = layout.max;
    this.sum = layout.sum;
  }

  /** Begins row r: empty, or with its sink in the denominator. A sink of −∞ has no effect. */
  begin(r: number, sink: number): void {
    this.heap[this.max + r] = sink === Infinity ? NaN : sink;
    this.heap[this.sum + r] = sink === -Infinity ? 0 : 1;
  }

  /** Returns the state for {@link restore}. */
  save(r: number): readonly [max: number, sum: number] {
    return [this.heap[this.max + r], this.heap[this.sum + r]];
  }

  /** Undoes the changes to row r since it was saved. */
  restore(r: number, [max, sum]: readonly [max: number, sum: number]): void {
    this.heap[this.max + r] = max;
    this.heap[this.sum + r] = sum;
  }

  rowMax(r: number): number {
    return this.heap[this.max + r];
  }

  rowSum(r: number): number {
    return this.heap[this.sum + r];
  }

  /**
   * Adds `count` scores of row r and replaces them by their exponentials, relative to the maximum so far.
   *
   * @returns the factor that makes earlier sums relative to it, too.
   */
  absorb(r: number, at: number, count: number): number {
    const { heap } = this;
    const before = heap[this.max + r];
    const max = Math.max(before, maximum(heap, at, count));
    const added = exponentials(heap, at, count, max);
    // Both are −∞ for a row that is still empty.
    const factor = before === max ? 1 : Math.exp(before - max);
    heap[this.max + r] = max;
    heap[this.sum + r] = heap[this.sum + r] * factor + added;
    return factor;
  }
}

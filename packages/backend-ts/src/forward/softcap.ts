import type { Heap } from '../memory/heap.ts';

/** Replaces `count` scores s from `at` on by cap · tanh(s / cap). */
export function softcap(heap: Heap, at: number, count: number, cap: number): void {
  for (let p = at; p < at + count; p++) heap[p] = cap * Math.tanh(heap[p] / cap);
}

/** {@link softcap}, and its derivative 1 − tanh² from `slopeAt` on. */
export function softcapWithSlope(heap: Heap, at: number, count: number, cap: number, slopeAt: number): void {
  const shift = slopeAt - at;
  for (let p = at; p < at + count; p++) {
    const t = Math.tanh(heap[p] / cap);
    heap[p] = cap * t;
    heap[p + shift] = 1 - t * t;
  }
}

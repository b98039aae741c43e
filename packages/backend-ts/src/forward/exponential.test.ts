import { describe, expect, test } from 'vitest';
import { exponentials, maximum } from './exponential.ts';
import { createHeap, HEAP_START } from '../memory/heap.ts';

const heap = createHeap(HEAP_START + 64);

function exponential(x: number): number {
  heap[HEAP_START] = x;
  exponentials(heap, HEAP_START, 1, 0);
  return heap[HEAP_START]!;
}

describe('exponentials', () => {
  test('are as exact as their documentation says', () => {
    for (let n = 0; n <= 100_000; n++) {
      const x = n * -0.0070838;
      const bound = 5e-16 + 1.7e-16 * Math.abs(x);
      expect(Math.abs(exponential(x) / Math.exp(x) - 1), `exp(${x})`).toBeLessThanOrEqual(bound);
    }
  });

  test('of 0 is exactly 1, of −∞ exactly 0, of a little above the maximum right', () => {
    expect(exponential(0)).toBe(1);
    expect(exponential(-Infinity)).toBe(0);
    expect(exponential(-708.5)).toBe(0);
    expect(exponential(3.5)).toBeCloseTo(Math.exp(3.5), 12);
  });

  test('replaces the scores and returns their sum', () => {
    [1, 2, 3].forEach((score, n) => (heap[HEAP_START + n] = score));
    const sum = exponentials(heap, HEAP_START, 3, 3);
    expect(sum).toBeCloseTo(1 + Math.exp(-1) + Math.exp(-2), 14);
    expect(heap[HEAP_START + 1]).toBeCloseTo(Math.exp(-1), 14);
  });
});

test('the maximum of some numbers: NaN if one is, −∞ of none', () => {
  [1, NaN, 3, -Infinity].forEach((score, n) => (heap[HEAP_START + n] = score));
  expect(maximum(heap, HEAP_START, 4)).toBeNaN();
  expect(maximum(heap, HEAP_START + 2, 2)).toBe(3);
  expect(maximum(heap, HEAP_START + 3, 1)).toBe(-Infinity);
  expect(maximum(heap, HEAP_START, 0)).toBe(-Infinity);
});

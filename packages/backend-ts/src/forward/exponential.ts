import { FRACTIONS, FRACTION_COUNT, type Heap, POWERS } from '../memory/heap.ts';

/*
 * exp(x) = 2^n · 2^(f/256) · exp(r) with n, f integers and |r| ≤ ln 2 / 512: two tables and a polynomial of degree 4
 * (Tang, "Table-driven implementation of the exponential function in IEEE floating-point arithmetic", ACM TOMS 1989,
 * section 2). The polynomial's error is 4e-17, so that only a few roundings matter in the result: relative error
 * under 5e-16 + 1.7e-16 · |x|. exp(0) is exactly 1. Four times as fast as Math.exp, which is a call.
 */
const STEPS_PER_UNIT = FRACTION_COUNT / Math.LN2;
const STEP = Math.LN2 / FRACTION_COUNT;
const EXPONENT_BITS = Math.log2(FRACTION_COUNT);
/** Adding and subtracting 1.5 · 2^52 rounds to the nearest integer. */
const ROUND = 6755399441055744;
/** Bound below which exp is 0 here: just above ln 2^-1022, the minimum of the powers in the table. */
const MINIMUM = -708.39;
/** Maximum of score − max. Scores exceed only a rounded maximum. */
export const MAXIMUM_EXCESS = 700;

/**
 * Replaces `count` scores s from `at` on by exp(s − max) and returns their sum. −∞ becomes 0, and so does everything
 * where max is −∞ or NaN. The others are numbers, at most {@link MAXIMUM_EXCESS} above max.
 */
export function exponentials(heap: Heap, at: number, count: number, max: number): number {
  const end = (at + count) | 0;
  let sum = 0;
  for (let p = at; p < end; p = (p + 1) | 0) {
    const x = heap[p] - max;
    let e = 0;
    // Another branch here, such as one for NaN, takes 50% more time for each number: maximum() finds NaN.
    if (x > MINIMUM) {
      const steps = x * STEPS_PER_UNIT + ROUND - ROUND;
      const r = x - steps * STEP;
      const n = steps | 0;
      e =
        heap[(FRACTIONS + (n & (FRACTION_COUNT - 1))) | 0] *
        heap[(POWERS + (n >> EXPONENT_BITS)) | 0] *
        (1 + r * (1 + r * (1 / 2 + r * (1 / 6 + r * (1 / 24)))));
    }
    heap[p] = e;
    sum += e;
  }
  return sum;
}

/** Maximum of `count` numbers; NaN if one of them is, −∞ if there are none. */
export function maximum(heap: Heap, at: number, count: number): number {
  const end = (at + count) | 0;
  let max = -Infinity;
  for (let p = at; p < end; p = (p + 1) | 0) max = Math.max(max, heap[p]);
  return max;
}

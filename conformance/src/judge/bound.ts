import type { FloatDType } from '@heed/core';
import { PRECISIONS } from './precision.ts';

/** The entries of a tensor that are approximated, and what errors of them are divided by. */
export interface Measured {
  readonly reference: ArrayLike<number>;
  /** 1 where an entry is not approximated but exact. */
  readonly exact: Uint8Array;
  /** True if errors are divided by max(1, |reference|): for logarithms and maxima of scores. */
  readonly relative: boolean;
}

/**
 * The largest error of numbers, and where it is. A number that is missing has an infinite one.
 *
 * @param rounded of a 16-bit type, returns the numbers that round to one of it: the error is the distance from the
 *   nearest of them. So a result is right where a float32 computation within the bound, rounded to nearest, may give it,
 *   infinity included.
 */
export function largestError(
  { reference, exact, relative }: Measured,
  numbers: ArrayLike<number>,
  rounded?: (number: number) => readonly [from: number, to: number],
): { error: number; at: number } {
  let [error, at] = [0, -1];
  for (let n = 0; n < reference.length && error < Infinity; n++) {
    if (exact[n] === 1) continue;
    const unit = relative ? Math.max(1, Math.abs(reference[n]!)) : 1;
    const nearest = rounded ? clamped(reference[n]!, rounded(numbers[n]!)) : numbers[n]!;
    const difference = Math.abs(nearest - reference[n]!) / unit;
    if (difference <= error) continue;
    [error, at] = [Number.isNaN(difference) ? Infinity : difference, n];
  }
  return { error, at };
}

function clamped(number: number, [from, to]: readonly [from: number, to: number]): number {
  return Math.min(Math.max(number, from), to);
}

/**
 * The bound of SPEC.md, clause `accuracy`. It begins with the floor and grows with each way of the naive computation, so
 * that an error that is small enough already needs no more of them.
 */
export class Bound {
  readonly #measured: Measured;
  readonly #naiveFactor: number;
  readonly #floor: number;
  readonly #naive: (() => ArrayLike<number>)[];
  #naiveError = 0;

  /** `tolerance` is added to the bound of the clause. */
  constructor(
    dtype: FloatDType,
    measured: Measured,
    naive: readonly (() => ArrayLike<number>)[],
    tolerance = 0,
  ) {
    const { naiveFactor, floor } = PRECISIONS[dtype];
    this.#measured = measured;
    this.#naiveFactor = naiveFactor;
    this.#floor = floor * magnitudeOf(measured) + tolerance;
    this.#naive = [...naive];
  }

  /** Returns whether an error is within a share of the bound. */
  allows(error: number, share = 1): boolean {
    while (!(error <= share * this.atLeast()) && this.#naive.length > 0) this.grow(this.#naive.shift()!());
    return error <= share * this.atLeast();
  }

  /** The whole bound. */
  value(): number {
    while (this.#naive.length > 0) this.grow(this.#naive.shift()!());
    return this.atLeast();
  }

  /** The bound by the ways that were computed so far: the whole is not below it. */
  atLeast(): number {
    return this.#naiveFactor * this.#naiveError + this.#floor;
  }

  /** Grows by one more way of the naive computation. */
  grow(naive: ArrayLike<number>): void {
    const { error } = largestError(this.#measured, naive);
    // If the naive computation itself overflows, it gives no bound; only the floor remains.
    if (error < Infinity) this.#naiveError = Math.max(this.#naiveError, error);
  }
}

function magnitudeOf({ reference, exact, relative }: Measured): number {
  let magnitude = 1;
  if (relative) return magnitude;
  for (let n = 0; n < reference.length; n++) {
    if (exact[n] === 0) magnitude = Math.max(magnitude, Math.abs(reference[n]!));
  }
  return magnitude;
}

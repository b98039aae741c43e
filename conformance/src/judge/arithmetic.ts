import type { FloatDType } from '@heed/core';

/** How the naive computation is carried out. */
export interface Arithmetic {
  /** Rounds the result of one operation. */
  round(number: number): number;
  /** Rounds the sum of a score and a bias, ALiBi or mask: to nearest, since those may be as large as float32 goes. */
  nearest(number: number): number;
  /** Sums run from the last term to the first. */
  readonly backwards: boolean;
  /** The scale multiplies the query; otherwise the product of query and key. */
  readonly scaledQuery: boolean;
}

/**
 * The ways in which the naive computation is done. Rounded to nearest it is one throw of the dice: in a small tensor
 * all its errors can be small, and a right backend would exceed twice the largest by bad luck. Therefore it is done
 * again with random rounding, the method of Vignes, "A stochastic arithmetic for reliable scientific computation"
 * (1993). The numbers are the same in every call.
 */
export function arithmeticsOf(dtype: FloatDType): readonly Arithmetic[] {
  const exact = (number: number): number => number;
  const [round, nearest] = dtype === 'float32' ? [Math.fround, Math.fround] : [exact, exact];
  const forwards = { round, nearest, backwards: false, scaledQuery: false };
  const backwards = { round, nearest, backwards: true, scaledQuery: true };
  if (dtype === 'float64') return [forwards, backwards];
  return [
    forwards,
    { ...forwards, round: randomRounding(1) },
    { ...backwards, round: randomRounding(2) },
    { ...forwards, round: randomRounding(3) },
  ];
}

/** Rounds to one of the two float32 numbers beside a number, either with probability ½. */
function randomRounding(seed: number): (number: number) => number {
  // From a float32 number times one of these, the nearest float32 number is its neighbour.
  const [outwards, inwards] = [1 + 1.25 * 2 ** -24, 1 - 1.25 * 2 ** -24];
  let state = seed;
  return (number) => {
    const nearest = Math.fround(number);
    if (nearest === number) return nearest;
    // The highest bit of a linear congruential generator (Numerical Recipes, section 7.1) is random enough for this.
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    if (state < 0) return nearest;
    return Math.fround(nearest * (Math.abs(number) > Math.abs(nearest) ? outwards : inwards));
  };
}

/** Visits 0 … count − 1 in the order in which sums run. */
export function eachTerm(count: number, { backwards }: Arithmetic, visit: (n: number) => void): void {
  if (backwards) for (let n = count - 1; n >= 0; n--) visit(n);
  else for (let n = 0; n < count; n++) visit(n);
}

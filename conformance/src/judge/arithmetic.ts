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
  if (dtype === 'float64') return inBothOrders((number) => number);
  return [...inBothOrders(Math.fround), ...inBothOrders(randomRounding(1), Math.fround)];
}

function inBothOrders(round: Arithmetic['round'], nearest = round): Arithmetic[] {
  return [
    { round, nearest, backwards: false, scaledQuery: false },
    { round, nearest, backwards: true, scaledQuery: true },
  ];
}

/**
 * Rounds a number to one of the two float32 numbers beside it: it is moved by up to half their distance, up or down,
 * then rounded to nearest. Numbers that float32 has are never moved so far.
 */
function randomRounding(seed: number): (number: number) => number {
  const [up, down] = [1 + 2 ** -25, 1 - 2 ** -25];
  let state = seed;
  return (number) => {
    // The highest bit of a linear congruential generator (Numerical Recipes, section 7.1) is random enough for this.
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return Math.fround(number * (state < 0 ? up : down));
  };
}

/** Visits 0 … count − 1 in the order in which sums run. */
export function eachTerm(count: number, { backwards }: Arithmetic, visit: (n: number) => void): void {
  if (backwards) for (let n = count - 1; n >= 0; n--) visit(n);
  else for (let n = 0; n < count; n++) visit(n);
}

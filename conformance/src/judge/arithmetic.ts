import type { AttentionProblem, FloatDType } from '@heed/core';

/** Arithmetic of the naive computation. */
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

/** The naive computation without any rounding beyond that of float64. */
export const EXACT: Arithmetic = {
  round: (number) => number,
  nearest: (number) => number,
  backwards: false,
  scaledQuery: false,
};

/**
 * The ways in which the naive computation is done for a problem. Rounded to nearest it is one throw of the dice: in a
 * small tensor all its errors can be small, and a right backend would exceed twice the largest by bad luck. Therefore
 * it is done again in the other order, and with random rounding: the smaller the problem, the more often. The numbers
 * are the same in every call.
 */
export function arithmeticsOf({ dtype, ...problem }: AttentionProblem): readonly Arithmetic[] {
  return arithmeticsFor(dtype, problem.batch * problem.heads * problem.queryLength * problem.keyLength);
}

/** The same for a number of sums: scores of attention, elements of a projection. */
export function arithmeticsFor(dtype: FloatDType, sums: number): readonly Arithmetic[] {
  const nearest = dtype === 'float64' ? EXACT.nearest : Math.fround;
  const forwards = { round: nearest, nearest, backwards: false, scaledQuery: false };
  const backwards = { ...forwards, backwards: true, scaledQuery: true };
  if (dtype === 'float64') return [forwards, backwards];
  const count = Math.min(7, Math.max(3, Math.ceil(2 ** 16 / sums)));
  const random = Array.from({ length: count }, (_, n) => {
    return { ...(n % 2 === 0 ? forwards : backwards), round: stochasticRounding(n + 1) };
  });
  return [forwards, backwards, ...random];
}

/**
 * Rounds to one of the two float32 numbers beside a number, to each with the probability of its nearness, so that the
 * mean is the number itself: stochastic rounding, which Parker's "Monte Carlo arithmetic" (1997) calls random rounding.
 * With a probability of ½ (Vignes 1993), a term far below the last place of the sum would add half a unit of that
 * place in the mean: behind one large term, the error would grow with the number of keys where real arithmetic has none.
 */
function stochasticRounding(seed: number): (number: number) => number {
  // From a float32 number times one of these, the nearest float32 number is its neighbor.
  const [outwards, inwards] = [1 + 1.25 * 2 ** -24, 1 - 1.25 * 2 ** -24];
  let state = seed;
  return (number) => {
    const nearest = Math.fround(number);
    if (nearest === number) return nearest;
    // The upper bits of a linear congruential generator (Numerical Recipes, section 7.1) are random enough for this.
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    const other = Math.fround(nearest * (Math.abs(number) > Math.abs(nearest) ? outwards : inwards));
    const uniform = (state >>> 0) * 2 ** -32;
    return uniform * Math.abs(other - nearest) < Math.abs(number - nearest) ? other : nearest;
  };
}

/** Visits 0 … count − 1 in the order in which sums run. */
export function eachTerm(count: number, { backwards }: Arithmetic, visit: (n: number) => void): void {
  if (backwards) for (let n = count - 1; n >= 0; n--) visit(n);
  else for (let n = 0; n < count; n++) visit(n);
}

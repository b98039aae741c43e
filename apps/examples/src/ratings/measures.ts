import { seededRandom } from '@heed/layers';

/** Items that a recommendation shows. */
export const SHOWN = 10;

/**
 * Rank of the target among all items that the user has not seen, from 1. Of items with the same score, half come before it.
 *
 * @param scores one for each item.
 */
export function rankOf(scores: ArrayLike<number>, target: number, seen: ReadonlySet<number>): number {
  const own = scores[target];
  let [above, equal] = [0, 0];
  for (let item = 0; item < scores.length; item++) {
    if (item === target || seen.has(item)) continue;
    if (scores[item] > own) above++;
    else if (scores[item] === own) equal++;
  }
  return 1 + above + equal / 2;
}

/**
 * −log of the target's probability among all items that the user has not seen.
 *
 * @param scores one for each item, logarithms of probabilities but for a summand.
 */
export function surpriseOf(scores: ArrayLike<number>, target: number, seen: ReadonlySet<number>): number {
  const unseen = Array.from(scores).filter((_, item) => item === target || !seen.has(item));
  const most = unseen.reduce((a, b) => Math.max(a, b));
  const sum = unseen.reduce((total, score) => total + Math.exp(score - most), 0);
  return most + Math.log(sum) - scores[target];
}

/** 1 where the target is among those that are shown. */
export function hit(rank: number): number {
  return rank <= SHOWN ? 1 : 0;
}

/** The discounted gain of one right item (Järvelin and Kekäläinen 2002): 1 in the first place, 0 where it is not shown. */
export function gain(rank: number): number {
  return rank <= SHOWN ? 1 / Math.log2(1 + rank) : 0;
}

export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let n = 0; n < values.length; n++) sum += values[n];
  return sum / values.length;
}

export interface Difference {
  readonly mean: number;
  /** The middle 95% of the means of users drawn anew. */
  readonly interval: readonly [number, number];
}

/** Mean of a − b over the same users, and its interval by a paired bootstrap (Efron and Tibshirani 1993, chapter 13). */
export function difference(
  a: readonly number[],
  b: readonly number[],
  { draws = 10_000, seed = 1 }: { readonly draws?: number; readonly seed?: number } = {},
): Difference {
  const apart = a.map((value, n) => value - b[n]);
  const random = seededRandom(seed);
  const means = Float64Array.from({ length: draws }, () => {
    let sum = 0;
    for (let n = 0; n < apart.length; n++) sum += apart[Math.floor(random() * apart.length)];
    return sum / apart.length;
  }).sort();
  const at = (share: number): number => means[Math.round(share * (draws - 1))];
  return { mean: mean(apart), interval: [at(0.025), at(0.975)] };
}

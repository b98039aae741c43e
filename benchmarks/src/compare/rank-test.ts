/**
 * The two-sided probability that samples of one distribution differ in rank as much as these do (Mann and Whitney,
 * "On a test of whether one of two random variables is stochastically larger than the other", 1947). Exact, for any
 * ties: every way to divide the pooled ranks is counted.
 *
 * It compares ranks, not values, so that a very slow round counts as one slow round and no more.
 */
export function rankTest(a: readonly number[], b: readonly number[]): number {
  if (a.length === 0 || b.length === 0) return 1;
  const ranks = midRanks([...a, ...b]);
  const observed = ranks.slice(0, a.length).reduce((sum, rank) => sum + rank, 0);
  const total = ranks.reduce((sum, rank) => sum + rank, 0);
  const expected = (total * a.length) / ranks.length;
  const counts = sumsOfRanks(ranks, a.length);
  let extreme = 0;
  let all = 0;
  counts.forEach((ways, sum) => {
    all += ways;
    if (Math.abs(sum - expected) >= Math.abs(observed - expected) - 1e-9) extreme += ways;
  });
  return extreme / all;
}

/** Twice the rank of each value, from 2 on; equal ones share the mean of theirs. Doubled, they are whole numbers. */
function midRanks(values: readonly number[]): number[] {
  const sorted = [...values].sort((x, y) => x - y);
  return values.map((value) => sorted.indexOf(value) + 1 + sorted.lastIndexOf(value) + 1);
}

/** For each sum, the number of ways to choose so many ranks with it. */
function sumsOfRanks(ranks: readonly number[], chosen: number): Float64Array {
  const most = ranks.reduce((sum, rank) => sum + rank, 0);
  const ways = Array.from({ length: chosen + 1 }, () => new Float64Array(most + 1));
  ways[0]![0] = 1;
  for (const rank of ranks) {
    for (let count = chosen; count > 0; count--) {
      for (let sum = most; sum >= rank; sum--) ways[count]![sum]! += ways[count - 1]![sum - rank]!;
    }
  }
  return ways[chosen]!;
}

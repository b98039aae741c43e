import { describe, expect, test } from 'vitest';
import { rankTest } from './rank-test.ts';

describe('the rank test', () => {
  test('of samples that do not overlap is two of all ways to divide them', () => {
    expect(rankTest([1, 2, 3], [4, 5, 6])).toBeCloseTo(2 / 20, 12);
    expect(rankTest([7, 8, 9, 10, 11], [1, 2, 3, 4, 5])).toBeCloseTo(2 / 252, 12);
    const eleven = Array.from({ length: 11 }, (_, n) => n);
    expect(
      rankTest(
        eleven,
        eleven.map((n) => n + 100),
      ),
    ).toBeCloseTo(2 / 705_432, 12);
  });

  test('agrees with published tables: n = 4 and 6, U = 2', () => {
    // Mann and Whitney's table for n = 6, m = 4 gives 0.019 for one side.
    const p = rankTest([1, 2, 3, 6], [4, 5, 7, 8, 9, 10]);
    expect(p / 2).toBeCloseTo(0.019, 3);
  });

  test('of the same numbers, or of none, is certain of nothing', () => {
    expect(rankTest([5, 5, 5], [5, 5, 5])).toBe(1);
    expect(rankTest([1, 2, 3], [1, 2, 3])).toBe(1);
    expect(rankTest([], [1, 2])).toBe(1);
  });

  test('is the same from both sides, and for any other unit', () => {
    const [a, b] = [
      [3.1, 2.2, 5.5, 2.2],
      [2.2, 7.1, 8.3, 6.4, 9.9],
    ] as const;
    expect(rankTest(a, b)).toBeCloseTo(rankTest(b, a), 12);
    expect(rankTest(a, b)).toBe(
      rankTest(
        a.map((x) => 1000 * x),
        b.map((x) => 1000 * x),
      ),
    );
  });

  test('one outlier changes nothing', () => {
    expect(rankTest([1, 2, 3, 4], [5, 6, 7, 8])).toBe(rankTest([1, 2, 3, 4], [5, 6, 7, 8e9]));
  });
});

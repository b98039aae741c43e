import { expect, test } from 'vitest';
import { median, quantile, speedRatio } from './statistics.ts';

test('quantiles interpolate between neighbors, whatever the order', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(quantile([50, 10, 40, 20, 30], 0.25)).toBe(20);
  expect(quantile([1, 2], 0.75)).toBe(1.75);
  expect(quantile([7], 0.25)).toBe(7);
  expect(median([])).toBeNaN();
});

test('the samples are not reordered', () => {
  const samples = [3, 1, 2];
  median(samples);
  expect(samples).toEqual([3, 1, 2]);
});

test('a ratio is the median of the ratios of rounds: noise that lasts for a round cancels', () => {
  const quiet = [10, 10, 10];
  expect(speedRatio([5, 5, 5], quiet)).toBe(2);
  expect(speedRatio([5, 50, 5], [10, 100, 10])).toBe(2);
  // The median times, 5 and 100, would say 20.
  expect(speedRatio([5, 50, 5], [10, 100, 100])).toBe(2);
});

test('a ratio needs a round in common', () => {
  expect(speedRatio([5, 5], [10])).toBe(2);
  expect(speedRatio([], [10])).toBeNull();
  expect(speedRatio([5], [])).toBeNull();
});

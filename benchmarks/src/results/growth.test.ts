import { describe, expect, test } from 'vitest';
import { fitGrowth } from './growth.ts';

const MB = 2 ** 20;
const lengths = [128, 256, 512, 1024, 2048, 4096, 8192, 16384];
const points = (bytes: (length: number) => number) =>
  lengths.map((length) => ({ length, bytes: bytes(length) }));

describe('the growth law', () => {
  test.each([
    ['2 of the scores', 2, (n: number) => 90 * MB + 8 * n * n],
    ['1 of rows', 1, (n: number) => 75 * MB + 4096 * n],
    ['1.5 of something between', 1.5, (n: number) => 10 * MB + 200 * n ** 1.5],
  ])('is %s', (_, exponent, bytes) => {
    const law = fitGrowth(points(bytes))!;
    expect(law.exponent).toBeCloseTo(exponent, 1);
    expect(law.constant / bytes(0)).toBeCloseTo(1, 1);
  });

  test('bears two megabytes that come and go', () => {
    const noisy = points((n) => 80 * MB + 2048 * n + (((n / 128) % 3) - 1) * MB);
    expect(fitGrowth(noisy)!.exponent).toBeGreaterThan(0.8);
    expect(fitGrowth(noisy)!.exponent).toBeLessThan(1.25);
  });

  test('is unknown of few lengths, and where hardly anything grows', () => {
    expect(fitGrowth(points((n) => 8 * n * n).slice(0, 3))).toBeNull();
    expect(fitGrowth(points((n) => 80 * MB + 100 * n))).toBeNull();
    expect(fitGrowth([])).toBeNull();
  });
});

import { describe, expect, test } from 'vitest';
import { dropoutOf, philox4x32 } from './index.ts';

const NONE = { batch: 0, head: 0, query: 0, key: 0 };

describe('dropout', () => {
  test('keeps the weights whose words are at least ⌊p · 2³²⌋', () => {
    const seed = 0x0012_3456_789a_bcde % 2 ** 53;
    const { kept, factor } = dropoutOf({ dropout: 0.3 }, { seed })!;
    const threshold = Math.floor(0.3 * 2 ** 32);
    for (const [b, h, i, j] of [
      [0, 0, 0, 0],
      [3, 2, 5, 7],
      [1, 0, 9, 130],
    ] as const) {
      const key = [seed >>> 0, Math.floor(seed / 2 ** 32) + 2 ** 31] as const;
      const word = philox4x32([j >>> 2, i, h, b], key)[j % 4]!;
      expect(kept(b, h, i, j)).toBe(word >= threshold ? 1 / 0.7 : 0);
    }
    expect(factor).toBe(1 / 0.7);
  });

  test('keeps 1 − p of the weights, which sum to as much as without', () => {
    for (const probability of [0.05, 0.5, 0.9]) {
      const { kept } = dropoutOf({ dropout: probability }, { seed: 5 })!;
      let sum = 0;
      for (let n = 0; n < 40_000; n++) sum += kept(n % 3, n % 7, n >> 8, n & 255);
      const deviation = Math.sqrt(probability / (1 - probability) / 40_000);
      expect(Math.abs(sum / 40_000 - 1)).toBeLessThan(5 * deviation);
    }
  });

  test('differs along every coordinate, with the seed, and from the noise of hard attention', () => {
    const pattern = (seed: number, [b, h, i, j]: readonly number[]): string =>
      Array.from({ length: 64 }, (_, n) =>
        dropoutOf({ dropout: 0.5 }, { seed })!.kept(b!, h!, i!, j! + n),
      ).join();
    const places = [
      [1, 1, 1, 1],
      [2, 1, 1, 1],
      [1, 2, 1, 1],
      [1, 1, 2, 1],
      [1, 1, 1, 2],
    ];
    const patterns = places.map((place) => pattern(9, place));
    patterns.push(pattern(10, places[0]!), pattern(9 + 2 ** 32, places[0]!));
    expect(new Set(patterns).size).toBe(7);
    expect(dropoutOf({ dropout: 0.5 }, { seed: 9 })!.key).toEqual([9, 2 ** 31]);
  });

  test('counts places from the origin', () => {
    const whole = dropoutOf({ dropout: 0.5 }, { seed: 3 })!;
    const part = dropoutOf({ dropout: 0.5 }, { seed: 3, origin: { batch: 2, head: 3, query: 5, key: 6 } })!;
    for (let j = 0; j < 40; j++) expect(part.kept(1, 1, 1, j)).toBe(whole.kept(3, 4, 6, j + 6));
  });

  test('has a threshold below 2³² and a finite factor for every p below 1', () => {
    const { threshold, factor } = dropoutOf({ dropout: 1 - 2 ** -53 }, { seed: 0, origin: NONE })!;
    expect(threshold).toBe(2 ** 32 - 1);
    expect(factor).toBe(2 ** 53);
    expect(dropoutOf({ dropout: null }, {})).toBeNull();
  });
});

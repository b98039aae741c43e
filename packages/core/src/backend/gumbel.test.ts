import { describe, expect, test } from 'vitest';
import { gumbelNoise, philox4x32 } from './index.ts';

describe('Philox4x32-10', () => {
  // The known answers that the authors publish with Random123 (kat_vectors).
  test.each([
    {
      counter: [0, 0, 0, 0],
      key: [0, 0],
      words: [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    },
    {
      counter: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      key: [0xffffffff, 0xffffffff],
      words: [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    },
    {
      counter: [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      key: [0xa4093822, 0x299f31d0],
      words: [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    },
  ] as const)('counter $counter, key $key', ({ counter, key, words }) => {
    expect(philox4x32(counter, key)).toEqual(words);
  });
});

describe('Gumbel noise', () => {
  test('is −ln(−ln u) of 23 bits of the word for its place', () => {
    const [b, h, i, j] = [3, 2, 5, 7];
    const seed = 0x0012_3456_789a_bcde % 2 ** 53;
    const word = philox4x32([j >>> 2, i, h, b], [seed >>> 0, Math.floor(seed / 2 ** 32)])[j % 4]!;
    const u = (Math.floor(word / 2 ** 9) + 0.5) / 2 ** 23;
    expect(gumbelNoise(seed, b, h, i, j)).toBe(-Math.log(-Math.log(u)));
  });

  test('has the moments of the standard Gumbel distribution', () => {
    const noise = Array.from({ length: 100_000 }, (_, n) =>
      gumbelNoise(42, 0, n % 7, Math.floor(n / 100), n % 100),
    );
    const mean = noise.reduce((sum, x) => sum + x, 0) / noise.length;
    const central = (power: number): number =>
      noise.reduce((sum, x) => sum + (x - mean) ** power, 0) / noise.length;
    const variance = Math.PI ** 2 / 6;
    expect(Math.abs(mean - 0.5772156649)).toBeLessThan(0.02);
    expect(Math.abs(central(2) - variance)).toBeLessThan(0.05);
    expect(Math.abs(central(3) / variance ** 1.5 - 1.1395470994)).toBeLessThan(0.1);
  });

  test('differs along every coordinate and with the seed, the upper half of it too', () => {
    const base = [9, 1, 1, 1, 1] as const;
    const neighbors = base.map((_, axis) => base.map((x, at) => (at === axis ? x + 1 : x)));
    const all = [base, ...neighbors, [9 + 2 ** 32, 1, 1, 1, 1]] as [number, number, number, number, number][];
    expect(new Set(all.map((place) => gumbelNoise(...place))).size).toBe(7);
  });

  test('is finite at every word', () => {
    const noise = Array.from({ length: 10_000 }, (_, j) => gumbelNoise(2 ** 53 - 1, 0, 0, 0, j));
    expect(noise.every(Number.isFinite)).toBe(true);
  });
});

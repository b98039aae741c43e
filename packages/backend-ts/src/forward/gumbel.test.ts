import { gumbelNoise } from '@heed/core/backend';
import { expect, test } from 'vitest';
import { GumbelRow } from './gumbel.ts';

test.for([0, 1, 2 ** 31, 2 ** 32 + 7, 2 ** 53 - 1, Math.floor(Math.random() * 2 ** 53)])(
  'is the noise of the specification, bit for bit, with seed %i',
  (seed) => {
    const row = new GumbelRow(seed);
    const places = [0, 1, 5, 65_537, 2 ** 31 - 1];
    for (const [b, h, i] of [
      [0, 0, 0],
      [3, 0, 9],
      [0, 11, 2 ** 20],
      [65_535, 255, 1],
    ] as const) {
      row.moveTo(b, h, i);
      for (const j of places) expect(row.noise(j)).toBe(gumbelNoise(seed, b, h, i, j));
    }
  },
);

import { test } from 'vitest';
import { expectNoFailure, inChromium } from './test/in-chromium.ts';

inChromium({ isolated: true }, 'cross-origin isolated', (opened) => {
  test('a fourth of the suite with two threads', { timeout: 600_000 }, () =>
    expectNoFailure(opened(), { threads: 2 }, { oneIn: 4 }),
  );

  test('some of it without relaxed SIMD', () =>
    expectNoFailure(opened(), { threads: 2, relaxedSimd: false }, ['order', 'mask', 'gradient']));
});

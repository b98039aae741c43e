import { test } from 'vitest';
import { expectNoFailure, inChromium } from './test/in-chromium.ts';

inChromium({ isolated: true }, 'cross-origin isolated', (opened) => {
  test('the whole suite with two threads', { timeout: 600_000 }, () =>
    expectNoFailure(opened(), { threads: 2 }, { oneIn: 1 }),
  );
});

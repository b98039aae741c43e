import { expect, test } from 'vitest';
import { waitedMs } from './waiting.ts';

test('waiting only ever grows', () => {
  const before = waitedMs(process.pid);
  expect(before).toBeGreaterThanOrEqual(0);
  expect(waitedMs(process.pid)).toBeGreaterThanOrEqual(before);
});

test('of a process that is not there nothing is known', () => {
  expect(waitedMs(2 ** 30)).toBe(0);
});

import { expect, test } from 'vitest';
import { workload } from '../workload/workload.ts';
import { forecast } from './forecast.ts';
import type { Finish } from './race.ts';

const finish = (roundsMs: number[], growthBytes: number): Finish => ({
  status: 'measured',
  device: 'd',
  threads: 1,
  memory: { peakBytes: 0, growthBytes, inputBytes: 0, outputBytes: 0 },
  firstRunMs: 7,
  startMs: 400,
  roundsMs,
  undisturbedMs: roundsMs,
  samplesMs: [],
});
const at = (length: number, heads = 2) => workload({ length, heads });

test('nothing is expected before anything was measured', () => {
  expect(forecast().runMs(at(128))).toBeNull();
  expect(forecast().growthBytes(at(128))).toBeNull();
});

test('four times the pairs take four times the time, and at most four times the memory', () => {
  const one = forecast();
  one.learn(at(128), finish([9, 10, 11], 1000));
  expect(one.runMs(at(256))).toBe(40);
  expect(one.growthBytes(at(256))).toBe(4000);
  expect(one.growthBytes(at(64))).toBe(1000);
});

test('the largest workload counts; the first run counts where there is no other', () => {
  const one = forecast();
  one.learn(at(256), finish([40], 100));
  one.learn(at(128), finish([40], 900));
  expect(one.runMs(at(512))).toBe(160);
  one.learn(at(512), finish([], 800));
  expect(one.runMs(at(512))).toBe(7);
  expect(one.startMs()).toBe(400);
  expect(one.growthBytes(at(512))).toBe(800);
});

test('a few megabytes that come and go in a small workload are not taken for scores', () => {
  const one = forecast();
  one.learn(at(8), finish([1], 2 ** 22));
  expect(one.growthBytes(at(2048))).toBe(2 ** 22 + 64 * 2 * 2048 * 2048);
});

import { expect, test } from 'vitest';
import { BYTES_OF_TOKEN, type Constants, recoveryTime, stepTime } from './model.ts';

const constants: Constants = {
  bandwidth: 1e9,
  machine: 2e9,
  message: 1,
  handling: 0.5,
  merge: 0.25,
  network: 1e8,
};
const tokens = 1e6;
/** Milliseconds in which one worker reads everything. */
const alone = (1000 * tokens * BYTES_OF_TOKEN) / constants.bandwidth;

test('a step costs a message, the handling of shards and the reading of the largest share', () => {
  const of = (workers: number, shardKeys: number): number =>
    stepTime(constants, { tokens, workers, shardKeys });
  expect(of(1, tokens)).toBeCloseTo(1 + 0.25 + alone);
  expect(of(2, tokens / 4)).toBeCloseTo(1 + 3 * 0.5 + 4 * 0.25 + alone / 2);
  // Four workers of a machine that is busy with two.
  expect(of(4, tokens / 4)).toBeCloseTo(of(2, tokens / 4));
  // One of three has two shards of four.
  expect(of(3, tokens / 4)).toBeCloseTo(of(2, tokens / 4));
  expect(
    stepTime({ ...constants, machine: Infinity }, { tokens, workers: 4, shardKeys: tokens / 4 }),
  ).toBeCloseTo(1 + 3 * 0.5 + 4 * 0.25 + alone / 4);
});

test('a loss costs the acknowledgement and the fetching of what the dead one had', () => {
  const fetching = (1000 * (tokens / 4) * BYTES_OF_TOKEN) / constants.network;
  const division = { tokens, workers: 4, shardKeys: tokens / 4 };
  expect(recoveryTime(constants, division, 5000)).toBeCloseTo(5000 + fetching);
});

import { describe, expect, test } from 'vitest';
import {
  type MemoryClaim,
  type SpeedClaim,
  claimsOfBackendTs,
  memoryVerdict,
  speedVerdict,
} from './claims.ts';
import type { Finish } from './measure/race.ts';
import { contestantNamed, tripleLoop } from './process/source.ts';
import { workload } from './workload/workload.ts';

const tiny = workload({ length: 8, heads: 1 });
const speed: SpeedClaim = {
  kind: 'speed',
  id: 'twice',
  says: 'twice as fast',
  entrant: { contestant: contestantNamed('@heed/backend-abacus'), workload: tiny },
  than: { contestant: tripleLoop, workload: tiny },
  atLeast: 2,
};
const memory: MemoryClaim = {
  kind: 'memory',
  id: 'small',
  says: 'small',
  entrant: { contestant: contestantNamed('x'), workload: tiny },
  below: 64,
};

const finish = (roundsMs: number[], growthBytes = 0): Finish => ({
  status: 'measured',
  device: 'd',
  threads: 1,
  memory: { peakBytes: 10, growthBytes, inputBytes: 3, outputBytes: 1 },
  firstRunMs: 7,
  startMs: 400,
  roundsMs,
  undisturbedMs: roundsMs,
  samplesMs: [],
});
const absent: Finish = {
  status: 'unavailable',
  device: null,
  threads: null,
  memory: null,
  firstRunMs: null,
  startMs: null,
  roundsMs: [],
  undisturbedMs: [],
  samplesMs: [],
  reason: 'not here',
  remedy: 'npm install x',
};

describe('verdicts', () => {
  test('a speed claim holds from its bound on', () => {
    expect(speedVerdict(speed, finish([5, 5, 5]), finish([10, 10, 10]))).toMatchObject({
      figure: 2,
      held: true,
      medianMs: [5, 10],
    });
    expect(speedVerdict(speed, finish([5.1, 5.1]), finish([10, 10]))).toMatchObject({ held: false });
  });

  test('a memory claim holds below its bound', () => {
    expect(memoryVerdict(memory, finish([], 63 * 2 ** 20))).toMatchObject({ figure: 63, held: true });
    expect(memoryVerdict(memory, finish([], 64 * 2 ** 20))).toMatchObject({ figure: 64, held: false });
  });

  test('a claim that could not be measured does not hold, and says why', () => {
    const reasons = [
      speedVerdict(speed, absent, finish([10])),
      speedVerdict(speed, finish([10]), absent),
      memoryVerdict(memory, absent),
    ];
    for (const verdict of reasons) expect(verdict).toMatchObject({ figure: null, held: false });
    expect(reasons.map(({ reason }) => reason)).toEqual([
      '@heed/backend-abacus: unavailable: not here: npm install x',
      'triple loop: unavailable: not here: npm install x',
      'x: unavailable: not here: npm install x',
    ]);
  });
});

test('claims of backend-ts have ids of their own', () => {
  const ids = claimsOfBackendTs.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
});

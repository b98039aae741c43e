import { describe, expect, test } from 'vitest';
import {
  type MemoryClaim,
  type SpeedClaim,
  claimsOfBackendTs,
  judge,
  memoryVerdict,
  speedVerdict,
} from './claims.ts';
import { contestantNamed } from './contestants/by-name.ts';
import { tripleLoop } from './contestants/triple-loop.ts';
import type { MemoryUse } from './memory.ts';
import type { Finish } from './race.ts';
import { workload } from './workload.ts';

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
  contestant: 'x',
  workload: tiny,
  below: 64,
};

const finish = (roundsMs: number[]): Finish => ({ status: 'measured', device: 'd', threads: 1, roundsMs });
const absent: Finish = {
  status: 'unavailable',
  device: null,
  threads: null,
  roundsMs: [],
  reason: 'not here',
  remedy: 'npm install x',
};
const use = (growthBytes: number): MemoryUse => ({
  status: 'measured',
  device: 'd',
  inputBytes: 3,
  outputBytes: 1,
  beforeBytes: 10,
  peakBytes: 11 + growthBytes,
  growthBytes,
  arrayBytes: 0,
});

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
    expect(memoryVerdict(memory, use(63 * 2 ** 20))).toMatchObject({ figure: 63, held: true });
    expect(memoryVerdict(memory, use(64 * 2 ** 20))).toMatchObject({ figure: 64, held: false });
  });

  test('a claim that could not be measured does not hold, and says why', () => {
    const reasons = [
      speedVerdict(speed, absent, finish([10])),
      speedVerdict(speed, finish([10]), absent),
      memoryVerdict(memory, absent as never),
    ];
    for (const verdict of reasons) expect(verdict).toMatchObject({ figure: null, held: false });
    expect(reasons.map(({ reason }) => reason)).toEqual([
      '@heed/backend-abacus: unavailable: not here: npm install x',
      'triple loop: unavailable: not here: npm install x',
      'x: unavailable: not here: npm install x',
    ]);
  });
});

test('judging measures both sides', async () => {
  const claim = { ...speed, entrant: { contestant: tripleLoop, workload: tiny }, atLeast: 1e9 };
  const verdict = await judge(claim, { rounds: 2, turnMs: 1 });
  expect(verdict.figure).toBeGreaterThan(0);
  expect(verdict.held).toBe(false);
});

test('claims of backend-ts have ids of their own', () => {
  const ids = claimsOfBackendTs.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
});

/** Tests of measurements, which run in processes of their own and so from the built package. */
import {
  type MeasureOptions,
  type Row,
  contestantNamed,
  measure,
  tripleLoop,
  workload,
} from '@heed/benchmarks';
import { describe, expect, test } from 'vitest';
import { type ModuleName, contestantModule } from './test/contestant-modules.ts';

const tiny = workload({ length: 6, heads: 2, headDim: 4 });
const quick = { workloads: [tiny], turnSeconds: 0.001, rounds: 3, threads: 1 } as const;

/** Returns the one row of a contestant that differs from the triple loop in one thing. */
async function rowOf(name: ModuleName, options: Partial<MeasureOptions> = {}): Promise<Row> {
  const { rows } = await measure({ ...quick, contestants: [contestantModule(name)], ...options });
  return rows.at(-1)!;
}

describe('rows', () => {
  test('are in the order of workloads, small ones first, then contestants, with all that was measured', async () => {
    const larger = workload({ length: 9, heads: 4 });
    const { machine, rows, peaks, peakDevice, stopped } = await measure({
      ...quick,
      workloads: [larger, tiny],
      contestants: [tripleLoop, contestantModule('right'), contestantNamed('@heed/core/reference')],
    });
    expect(rows.map((row) => [row.workload, row.contestant, row.length, row.status])).toEqual([
      ['dense/6/h2/d4', 'triple loop', 6, 'measured'],
      ['dense/6/h2/d4', 'right', 6, 'measured'],
      ['dense/6/h2/d4', '@heed/core/reference', 6, 'measured'],
      ['dense/9/h4', 'triple loop', 9, 'measured'],
      ['dense/9/h4', 'right', 9, 'measured'],
      ['dense/9/h4', '@heed/core/reference', 9, 'measured'],
    ]);
    for (const row of rows) {
      expect(row.device).toMatch(/^JavaScript/);
      expect(row.threads).toBe(1);
      expect(row.roundsMs).toHaveLength(3);
      expect(row.samplesMs).toHaveLength(3);
      expect(row.medianMs).toBeGreaterThan(0);
      expect(row.quartilesMs![0]).toBeLessThanOrEqual(row.medianMs!);
      expect(row.quartilesMs![1]).toBeGreaterThanOrEqual(row.medianMs!);
      expect(row.gflops).toBeGreaterThan(0);
      expect(row.ratio).toBeGreaterThan(0);
      expect(row.peakBytes).toBeGreaterThan(2 ** 24);
    }
    expect(rows[0]!.ratio).toBe(1);
    expect(machine.cores).toBeGreaterThan(0);
    // The npm package `node`, a development dependency here.
    expect(Number.parseInt(machine.node, 10)).toBeGreaterThanOrEqual(24);
    expect(peaks.map((peak) => [peak.workload, peak.gflops.length])).toEqual([
      ['dense/6/h2/d4', 3],
      ['dense/9/h4', 3],
    ]);
    expect(peakDevice).toMatch(/WebAssembly/);
    expect(stopped).toBe(false);
    expect(JSON.parse(JSON.stringify(rows))).toEqual(rows);
  });

  test('ratios are to the baseline that was asked for', async () => {
    const contestants = [contestantModule('right'), contestantModule('slow')];
    const { rows } = await measure({ ...quick, contestants, baseline: 'slow' });
    expect(rows[1]!.ratio).toBe(1);
    expect(rows[0]!.ratio).toBeGreaterThan(10);
    const { rows: without } = await measure({ ...quick, contestants, baseline: 'nobody' });
    expect(without.map(({ ratio }) => ratio)).toEqual([null, null]);
  });
});

describe('a contestant is a row that says why', () => {
  test('when its result is wrong: it is never timed', async () => {
    const row = await rowOf('wrong');
    expect(row).toMatchObject({ status: 'wrong', medianMs: null, ratio: null, gflops: null, roundsMs: [] });
    expect(row.reason).toMatch(/differs from the float64 reference/);
    expect(row.device).toBe('JavaScript, one thread');
  });

  test('when it is not installed', async () => {
    const { rows } = await measure({
      ...quick,
      contestants: [contestantNamed('@heed/backend-abacus'), tripleLoop],
    });
    expect(rows[0]).toMatchObject({
      status: 'unavailable',
      device: null,
      medianMs: null,
      remedy: 'npm install @heed/backend-abacus',
    });
    expect(rows[1]).toMatchObject({ status: 'measured', ratio: 1 });
  });

  test.each([
    ['throwsAtImport', 'unavailable', /no such engine/],
    ['exitsInRun', 'failed', /the process ended with exit code 7 \(warming up\)/],
    ['crashesInRun', 'failed', /the process was ended by SIGSEGV/],
    ['failsLater', 'failed', /TypeError: tired/],
  ] as const)('%s', async (name, status, reason) => {
    const row = await rowOf(name);
    expect(row).toMatchObject({ status, medianMs: null, roundsMs: [] });
    expect(row.reason).toMatch(reason);
  });

  test.each(['hangsInRun', 'spinsInRun'] as const)('%s: it is left out from then on', async (name) => {
    const workloads = [tiny, workload({ length: 9, heads: 4 })];
    const contestants = [contestantModule(name), tripleLoop];
    const { rows } = await measure({ ...quick, workloads, contestants, timeoutSeconds: 5 });
    expect(rows.map(({ status }) => status)).toEqual(['failed', 'measured', 'failed', 'measured']);
    expect(rows[0]!.reason).toMatch(/^no answer in 5 s \(warming up\)/);
    expect(rows[2]!.reason).toMatch(/^left out: on dense\/6\/h2\/d4 no answer in 5 s/);
  });

  test('when it fails with words like those for one that hangs: it is measured on the next workload', async () => {
    const workloads = [tiny, workload({ length: 9, heads: 4 })];
    const contestants = [contestantModule('failsOnceWithoutAnswer')];
    const { rows } = await measure({ ...quick, workloads, contestants });
    expect(rows.map(({ status }) => status)).toEqual(['failed', 'measured']);
    expect(rows[0]!.reason).toBe('no answer from the device, try again');
  });

  test('when it does not compute the workload', async () => {
    const gradient = workload({ length: 6, heads: 2, headDim: 4, gradient: true });
    const { rows } = await measure({ ...quick, workloads: [gradient], contestants: [tripleLoop] });
    expect(rows[0]).toMatchObject({
      status: 'unsupported',
      reason: 'the triple loop does not compute gradients',
    });
  });

  test('one that prints is measured like any other', async () => {
    expect((await rowOf('talks')).status).toBe('measured');
  });
});

describe('the budget', () => {
  test('a contestant that is predicted over its share is too slow', async () => {
    const workloads = [workload({ length: 128, heads: 1 }), workload({ length: 8192, heads: 1 })];
    const contestants = [tripleLoop, contestantModule('slow')];
    const { rows } = await measure({ ...quick, workloads, contestants, budgetSeconds: 20 });
    const [, , , slow] = rows;
    expect(slow).toMatchObject({ status: 'too slow', medianMs: null });
    expect(slow!.reason).toMatch(/^one run would take about .* s, and measuring it .* s; its share is .* s$/);
  });

  test('one that is used up leaves every row', async () => {
    const { rows } = await measure({ ...quick, contestants: [tripleLoop], budgetSeconds: 0 });
    expect(rows).toMatchObject([{ status: 'too slow', reason: expect.stringMatching(/its share is 0/) }]);
  });
});

describe('memory', () => {
  test('of a contestant that stores the scores is larger by them', async () => {
    // Enough that the varying memory of JavaScript itself is small beside them.
    const of = workload({ length: 2048, heads: 4, headDim: 4 });
    const contestants = [tripleLoop, contestantModule('stores')];
    const { rows } = await measure({ ...quick, workloads: [of], contestants });
    const [plain, storing] = rows.map(({ growthBytes }) => growthBytes!);
    const scores = 4 * 2048 * 2048 * 4;
    expect(storing! - plain!).toBeGreaterThan(0.8 * scores);
    expect(storing! - plain!).toBeLessThan(1.5 * scores);
  });
});

describe('a signal', () => {
  test('ends it at once, and what was measured is kept', async () => {
    const controller = new AbortController();
    const { rows, stopped } = await measure({
      ...quick,
      contestants: [tripleLoop, contestantModule('hangsInRun'), contestantModule('right')],
      workloads: [tiny, workload({ length: 9, heads: 4 })],
      signal: controller.signal,
      onProgress({ contestant }) {
        if (contestant === 'hangsInRun') setTimeout(() => controller.abort(), 300);
      },
    });
    expect(stopped).toBe(true);
    expect(new Set(rows.map(({ status }) => status))).toEqual(new Set(['stopped']));
    expect(rows).toHaveLength(6);
  });
});

import { HeedError, type Tensor } from '@heed/core';
import { describe, expect, test, vi } from 'vitest';
import type { Contestant, PreparedContestant } from './contestant.ts';
import { contestantNamed } from './contestants/by-name.ts';
import { tripleLoop } from './contestants/triple-loop.ts';
import { measure } from './measure.ts';
import { roundOrder } from './race.ts';
import { workload } from './workload.ts';

const tiny = workload({ length: 6, heads: 2, headDim: 4 });
const quick = { workloads: [tiny], turnMs: 0, rounds: 3 };

/** The triple loop under another name, with some of it changed. */
function variant(
  name: string,
  change: (prepared: PreparedContestant) => Partial<PreparedContestant> = () => ({}),
): Contestant {
  return {
    name,
    probe: tripleLoop.probe,
    async prepare(of, request) {
      const prepared = await tripleLoop.prepare(of, request);
      return { ...prepared, ...change(prepared) };
    },
  };
}

describe('order', () => {
  test('each round begins one place further', () => {
    expect([0, 1, 2, 3].map((round) => roundOrder(3, round).join(''))).toEqual(['012', '120', '201', '012']);
    expect(roundOrder(1, 5)).toEqual([0]);
  });

  test('contestants take turns, all checked before any is timed', async () => {
    const ran: string[] = [];
    const recorder = (name: string): Contestant =>
      variant(name, ({ run }) => ({
        run() {
          ran.push(name);
          return run();
        },
      }));
    // One run a turn: the clock is past the end of the turn at once.
    await measure({ ...quick, contestants: ['a', 'b', 'c'].map(recorder) });
    expect(ran.join('')).toBe(['abc', 'cab', 'abc', 'bca', 'cab'].join(''));
  });
});

describe('rows', () => {
  test('are in the order of workloads, then contestants, with all that was measured', async () => {
    const other = workload({ length: 9, heads: 1 });
    const { machine, rows } = await measure({
      ...quick,
      workloads: [tiny, other],
      contestants: [tripleLoop, variant('again')],
    });
    expect(rows.map((row) => [row.workload, row.contestant, row.length, row.status])).toEqual([
      ['dense/6/h2/d4', 'triple loop', 6, 'measured'],
      ['dense/6/h2/d4', 'again', 6, 'measured'],
      ['dense/9/h1', 'triple loop', 9, 'measured'],
      ['dense/9/h1', 'again', 9, 'measured'],
    ]);
    for (const row of rows) {
      expect(row).toMatchObject({ device: 'JavaScript, 1 thread', threads: 1 });
      expect(row.roundsMs).toHaveLength(3);
      expect(row.medianMs).toBeGreaterThan(0);
      expect(row.quartilesMs![0]).toBeLessThanOrEqual(row.medianMs!);
      expect(row.quartilesMs![1]).toBeGreaterThanOrEqual(row.medianMs!);
      expect(row.gflops).toBeGreaterThan(0);
      expect(row.ratio).toBeGreaterThan(0);
    }
    expect(rows[0]!.ratio).toBe(1);
    expect(machine.cores).toBeGreaterThan(0);
    expect(machine.node).toBe(process.versions.node);
    expect(JSON.parse(JSON.stringify(rows))).toEqual(rows);
  });

  test('ratios are to the baseline that was asked for', async () => {
    const contestants = [variant('a'), variant('b')];
    const { rows } = await measure({ ...quick, contestants, baseline: 'b' });
    expect(rows[1]!.ratio).toBe(1);
    const { rows: without } = await measure({ ...quick, contestants, baseline: 'nobody' });
    expect(without.map(({ ratio }) => ratio)).toEqual([null, null]);
  });

  test('a wrong result is reported as wrong and never timed', async () => {
    const run = vi.fn<() => Promise<Tensor>>(async () => ({
      dtype: 'float32',
      shape: [1, 2, 6, 4],
      data: new Float32Array(48),
    }));
    const { rows } = await measure({
      ...quick,
      contestants: [tripleLoop, variant('zeros', () => ({ run }))],
    });
    expect(rows[1]).toMatchObject({
      status: 'wrong',
      medianMs: null,
      ratio: null,
      gflops: null,
      roundsMs: [],
    });
    expect(rows[1]!.reason).toMatch(/differs from the float64 reference/);
    expect(run).toHaveBeenCalledOnce();
    expect(rows[0]!.status).toBe('measured');
  });

  test('a contestant that is not installed is a row that says what to install', async () => {
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
    expect(rows[1]).toMatchObject({ status: 'measured', ratio: null });
  });

  test('a contestant that throws is a row that says why, whenever it throws', async () => {
    const unsupported: Contestant = {
      ...variant('refusing'),
      prepare: () => Promise.reject(new HeedError('UNSUPPORTED', 'causal: no', { remedy: 'another one' })),
    };
    const tired = variant('tired', ({ run }) => {
      let runs = 0;
      return { run: () => (++runs > 3 ? Promise.reject(new Error('tired')) : run()) };
    });
    const { rows } = await measure({ ...quick, contestants: [unsupported, tired, tripleLoop] });
    expect(rows[0]).toMatchObject({ status: 'unsupported', reason: 'causal: no', remedy: 'another one' });
    expect(rows[1]).toMatchObject({ status: 'failed', device: 'JavaScript, 1 thread', roundsMs: [] });
    expect(rows[1]!.reason).toMatch(/tired/);
    expect(rows[2]!.status).toBe('measured');
  });
});

describe('life', () => {
  test('everything prepared is disposed once, also what was wrong or failed', async () => {
    const disposals: string[] = [];
    const mortal = (name: string, run?: () => Promise<Tensor>): Contestant =>
      variant(name, () => ({ ...(run && { run }), dispose: async () => void disposals.push(name) }));
    await measure({
      ...quick,
      contestants: [
        mortal('right'),
        mortal('wrong', async () => ({ dtype: 'float32', shape: [1], data: new Float32Array(1) })),
        mortal('failed', () => Promise.reject(new Error('no'))),
      ],
    });
    expect(disposals.sort()).toEqual(['failed', 'right', 'wrong']);
  });

  test('progress goes from 0 towards 1 and names what happens', async () => {
    const seen: { done: number; phase: string }[] = [];
    await measure({
      ...quick,
      workloads: [tiny, workload({ length: 9, heads: 1 })],
      contestants: [tripleLoop, variant('again')],
      onProgress: (progress) => seen.push(progress),
    });
    const done = seen.map((progress) => progress.done);
    expect(done).toEqual([...done].sort((a, b) => a - b));
    expect(done[0]).toBe(0);
    expect(done.at(-1)).toBeLessThan(1);
    expect(new Set(seen.map(({ phase }) => phase))).toEqual(new Set(['checking', 'warming up', 'measuring']));
  });

  test('a signal ends it and what was measured is kept', async () => {
    const controller = new AbortController();
    let turns = 0;
    const { rows } = await measure({
      ...quick,
      workloads: [tiny, workload({ length: 9, heads: 1 })],
      contestants: [tripleLoop, variant('again')],
      signal: controller.signal,
      onProgress({ phase }) {
        if (phase === 'measuring' && ++turns === 3) controller.abort();
      },
    });
    expect(rows.map(({ status }) => status)).toEqual(['measured', 'measured', 'stopped', 'stopped']);
    expect(rows[0]!.roundsMs.length + rows[1]!.roundsMs.length).toBe(3);
  });
});

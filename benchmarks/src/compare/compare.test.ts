import { describe, expect, test } from 'vitest';
import { type Model, sampleResults } from '../test/sample-results.ts';
import type { BenchResults } from '../results/schema.ts';
import { compareResults } from './compare.ts';

const models: readonly Model[] = [
  { name: 'triple loop', gflops: 1.5, bytesPerScore: 0 },
  { name: 'a', gflops: 10, bytesPerScore: 0 },
];
const slowed = (factor: number): readonly Model[] => [models[0]!, { ...models[1]!, gflops: 10 / factor }];
const old = sampleResults({ models });
const wobbling = (place: number): number => 1 + ((place * 7919) % 31) / 600;
const wobblingToo = (place: number): number => wobbling(place + 5);
const other = (place: number): number => 1 + ((place * 7919) % 31) / 1000;

describe('a comparison', () => {
  test('of a run with itself flags nothing', () => {
    const report = compareResults(old, old);
    expect(report.rows).toHaveLength(28);
    expect(report.rows.every(({ verdict, change, p }) => verdict === null && change === 1 && p === 1)).toBe(
      true,
    );
    expect(report.calibration).toBe(1);
    expect(report.significance).toBeCloseTo(0.01 / 28, 12);
    expect(report.differences).toEqual([]);
  });

  test('flags what is 30% slower, and nothing else', () => {
    const { rows } = compareResults(old, sampleResults({ models: slowed(1.3), noise: other }));
    for (const { contestant, verdict, change } of rows) {
      expect(verdict).toBe(contestant === 'a' ? 'slower' : null);
      if (contestant === 'a') expect(change).toBeCloseTo(1.3, 1);
    }
  });

  test('says what is faster', () => {
    const { rows } = compareResults(old, sampleResults({ models: slowed(0.7), noise: other }));
    expect(
      new Set(rows.filter(({ contestant }) => contestant === 'a').map(({ verdict }) => verdict)),
    ).toEqual(new Set(['faster']));
  });

  test('lets pass what is under 10%, however sure it is', () => {
    const { rows } = compareResults(old, sampleResults({ models: slowed(1.08), noise: other }));
    expect(rows.every(({ verdict, p }) => verdict === null && p === 1)).toBe(true);
  });

  test('asks whether a change is over 10%, not whether there is one', () => {
    const before = sampleResults({ models, noise: wobbling });
    const barely = compareResults(before, sampleResults({ models: slowed(1.105), noise: wobblingToo }));
    expect(barely.rows.some(({ change }) => change > 1.1)).toBe(true);
    expect(barely.rows.every(({ verdict }) => verdict === null)).toBe(true);
    const clearly = compareResults(before, sampleResults({ models: slowed(1.2), noise: wobblingToo }));
    expect(clearly.rows.filter(({ verdict }) => verdict === 'slower')).toHaveLength(14);
  });

  describe('where others had the processors for a part of the time', () => {
    // Twice the time, of which half is waiting.
    const busy = (results: BenchResults): BenchResults => ({
      ...results,
      rows: results.rows.map((row) => ({ ...row, roundsMs: row.roundsMs.map((ms) => 2 * ms) })),
    });
    const calm = sampleResults({ models, noise: other });

    test('waiting is not a regression, and its end is not progress', () => {
      for (const [before, after] of [
        [old, busy(calm)],
        [busy(old), calm],
      ] as const) {
        const { rows } = compareResults(before, after);
        expect(rows.every(({ verdict, change }) => verdict === null && Math.abs(change - 1) < 0.05)).toBe(
          true,
        );
      }
    });

    test('what is slower is flagged, by as much as it is without waiting', () => {
      const { rows } = compareResults(old, busy(sampleResults({ models: slowed(1.3), noise: other })));
      const flagged = rows.filter(({ verdict }) => verdict === 'slower');
      expect(flagged).toHaveLength(14);
      for (const { change } of flagged) expect(change).toBeCloseTo(1.3, 1);
    });

    test('nothing is said when times with and without it point to different sides', () => {
      const faster = busy(sampleResults({ models: slowed(0.7), noise: other }));
      const report = compareResults(old, faster);
      for (const row of report.rows) expect(row).toMatchObject({ verdict: null, p: 1 });
    });
  });

  test('lets pass what is large, and may be chance', () => {
    const wild = (place: number): number => [0.5, 3, 1, 0.7, 2.5][place % 5]!;
    const { rows } = compareResults(
      sampleResults({ models, noise: wild }),
      sampleResults({ models: slowed(1.3), noise: wild }),
    );
    expect(rows.every(({ verdict }) => verdict === null)).toBe(true);
  });

  test('sees times from the peak of their own run: another clock is not a regression', () => {
    const report = compareResults(old, sampleResults({ models, speed: 0.6, noise: other }));
    expect(report.calibration).toBeCloseTo(0.6, 6);
    expect(report.rows.every(({ verdict }) => verdict === null)).toBe(true);
    expect(report.rows[0]!.newMs / report.rows[0]!.oldMs).toBeGreaterThan(1.5);
  });

  test('names what only one run has measured, and how the runs differ', () => {
    const broken = models.map((model) =>
      model.name === 'a' ? { ...model, status: 'failed' as const } : model,
    );
    const fresh = sampleResults({ models: broken, lengths: [128] });
    const report = compareResults(old, { ...fresh, machine: { ...fresh.machine, node: '26.0.0' } });
    expect(report.unpaired).toEqual([
      { workload: 'dense/128/h2', contestant: 'a', old: 'measured', new: 'failed' },
      { workload: 'causal/128/h2', contestant: 'a', old: 'measured', new: 'failed' },
    ]);
    expect(report.rows).toHaveLength(2);
    expect(report.differences).toEqual(['Node: 24.0.0 before, 26.0.0 now']);
  });
});

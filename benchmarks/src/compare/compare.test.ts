import { describe, expect, test } from 'vitest';
import { type Model, sampleResults } from '../results/sample-results.test.helper.ts';
import { compareResults } from './compare.ts';

const models: readonly Model[] = [
  { name: 'triple loop', gflops: 1.5, bytesPerScore: 0 },
  { name: 'a', gflops: 10, bytesPerScore: 0 },
];
const slowed = (factor: number): readonly Model[] => [models[0]!, { ...models[1]!, gflops: 10 / factor }];
const old = sampleResults({ models });
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
    expect(rows.every(({ verdict }) => verdict === null)).toBe(true);
    expect(rows.some(({ p }) => p < 1e-5)).toBe(true);
  });

  test('lets pass what is large, and may be chance', () => {
    const wild = (place: number): number => [0.5, 3, 1, 0.7, 2.5][place % 5]!;
    const { rows } = compareResults(
      sampleResults({ models, noise: wild }),
      sampleResults({ models: slowed(1.3), noise: wild }),
    );
    expect(rows.every(({ verdict }) => verdict === null)).toBe(true);
  });

  test('sees times from the peak of their own run: another clock is no regression', () => {
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

/** What runs in processes of its own, and so from the built package. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { memoryOf, workload } from '@heed/benchmarks';
import { describe, expect, test } from 'vitest';

describe('memoryOf', () => {
  test('accounts for a run', async () => {
    const report = await memoryOf('triple loop', workload({ length: 64, heads: 2, headDim: 8 }));
    if (report.status !== 'measured') throw new Error(report.reason);
    expect(report.device).toBe('JavaScript, 1 thread');
    expect(report.inputBytes).toBe(3 * 2 * 64 * 8 * 4);
    expect(report.outputBytes).toBe(2 * 64 * 8 * 4);
    expect(report.beforeBytes).toBeGreaterThan(0);
    expect(report.peakBytes).toBeGreaterThanOrEqual(report.beforeBytes);
    expect(report.growthBytes).toBe(report.peakBytes - report.beforeBytes - report.outputBytes);
    expect(report.arrayBytes).toBeGreaterThanOrEqual(0);
  });

  test('sees the score matrix of a contestant that has one', async () => {
    const report = await memoryOf(
      '@tensorflow/tfjs-backend-cpu',
      workload({ length: 1024, heads: 1, headDim: 8 }),
    );
    expect(report).toMatchObject({ status: 'measured' });
    expect('growthBytes' in report && report.growthBytes).toBeGreaterThan(1024 * 1024 * 4);
  });

  test('reports a contestant that is not installed', async () => {
    expect(await memoryOf('@heed/backend-abacus', workload({ length: 8 }))).toMatchObject({
      status: 'unavailable',
      remedy: 'npm install @heed/backend-abacus',
    });
  });

  test('a signal ends the process', async () => {
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(memoryOf('triple loop', workload({ length: 8 }), { signal })).rejects.toThrow('enough');
  });
});

describe('the command', () => {
  const main = path.resolve(import.meta.dirname, '../dist/main.js');
  const bench = (...args: string[]): ReturnType<typeof spawnSync> =>
    spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });

  test('explains itself', () => {
    const { status, stdout } = bench('--help');
    expect(status).toBe(0);
    expect(stdout).toMatch(/Usage: bench/);
  });

  test.each([['--rounds', 'many'], ['--round', '3'], ['extra']])('refuses %s %s', (...args) => {
    const { status, stdout, stderr } = bench(...args);
    expect(status).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/round|extra/i);
  });
});

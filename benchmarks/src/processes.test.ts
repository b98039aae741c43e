/** The commands, as processes. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { describe, expect, test } from 'vitest';

describe('bench, which measures what is claimed', () => {
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

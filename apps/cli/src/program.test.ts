import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { heed, heedJSON } from './test/heed.ts';

// oxlint-disable-next-line no-control-regex
const ANSI = /\u001B/;

describe('usage', () => {
  test.each([['doctor'], ['verify'], ['list'], ['demo'], ['heatmap'], ['bench'], ['compare']])(
    '%s --help explains itself with examples',
    (command) => {
      const { code, stdout } = heed([command, '--help']);
      expect(code).toBe(0);
      expect(stdout).toContain(`Usage: heed ${command}`);
      expect(stdout).toContain('Examples:');
      expect(stdout).toContain('Exit codes:');
      expect(stdout).toContain('--json');
    },
  );

  test('--help and --version answer on standard output', () => {
    expect(heed(['--help'])).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringContaining('Commands:'),
    });
    expect(heed(['--version'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    });
  });

  test.each([
    [[], 'Usage'],
    [['verifi'], 'Did you mean verify?'],
    [['doctor', '--nope'], 'unknown option'],
    [['doctor', '--timeout', 'soon'], 'number of seconds'],
    [['verify', 'ts', '--fuzz', '-1'], 'number of seconds'],
    [['verify', 'ts', '--fuzz', '1', '--seed', '1.5'], 'an integer'],
    [['verify', 'ts', '--fuzz', '1', '--clause', 'gqa'], 'cannot be used'],
    [['verify', 'ts', '--fuzz', '1', '--case', 'gqa/control'], 'cannot be used'],
    [['verify', 'ts', '--topic', 'gqa'], '--clause CLAUSE'],
    [['verify', 'ts', '--topic'], '--clause CLAUSE'],
    [['verify', '--list'], '`heed list`'],
    [['compare', 'one.json'], 'missing required argument'],
    [['demo', '--lengths', '12,x'], 'integers greater than 0'],
  ])('%j is wrong usage', (words, message) => {
    const { code, stdout, stderr } = heed(words);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain(message);
  });

  test.each([[['verifi']], [['doctor', '--nope']], [['verify']], [['verify', 'ts', '--clause', 'nope']]])(
    '%j with --json is an error object',
    (words) => {
      const { code, value } = heedJSON(words);
      expect(code).toBe(2);
      expect(value).toMatchObject({ heedError: 1, code: 'ARGUMENT', message: expect.any(String) });
    },
  );
});

describe('colors', () => {
  test('there are none in a pipe', () => {
    for (const env of [{}, { CI: 'true' }, { COLORTERM: 'truecolor', TERM: 'xterm-256color' }]) {
      const { stdout, stderr } = heed(['doctor', 'reference'], { env });
      expect(stdout + stderr).not.toMatch(ANSI);
    }
  });

  test('FORCE_COLOR asks for them, NO_COLOR rules', () => {
    expect(heed(['doctor', 'reference'], { env: { FORCE_COLOR: '1' } }).stdout).toMatch(ANSI);
    expect(heed(['doctor', 'reference'], { env: { FORCE_COLOR: '1', NO_COLOR: '1' } }).stdout).not.toMatch(
      ANSI,
    );
  });
});

describe('standard output', () => {
  const main = path.resolve(import.meta.dirname, '../bin/heed.js');

  test
    .skipIf(!existsSync('/dev/full'))
    .each([
      [['doctor', 'reference']],
      [['doctor', 'reference', '--json']],
      [['verify', 'reference', '--clause', 'gqa', '--json']],
      [['--version']],
    ])('%j: a full disk is a failure that is said', (words) => {
    const full = openSync('/dev/full', 'w');
    const { status, stderr } = spawnSync(process.execPath, [main, ...words], {
      stdio: ['ignore', full, 'pipe'],
      encoding: 'utf8',
    });
    closeSync(full);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^error: .*standard output: .*ENOSPC.*\n {2}→ .*\n$/);
  });

  test.skipIf(process.platform === 'win32')('a reader that has seen enough is not an error', () => {
    const line = `"${process.execPath}" "${main}" list | head -n 1`;
    const { status, stdout, stderr } = spawnSync('bash', ['-o', 'pipefail', '-c', line], {
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout.split('\n')).toHaveLength(2);
  });
});

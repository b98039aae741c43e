import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { BenchResults, ComparisonReport, Row } from '@heed/benchmarks';
import { beforeAll, describe, expect, test } from 'vitest';
import { folderOf, heed, heedJSON } from '../test/heed.ts';
import { MODULES, moduleFile } from '../test/modules.ts';

const QUICK = ['--rounds', '3', '--turn', '0.001', '--threads', '1'];
const TINY = ['--workload', 'dense', '--lengths', '16'];

interface Printed {
  readonly machine: BenchResults['machine'];
  readonly rows: readonly Row[];
}

/** The results file that a run wrote into the folder. */
function resultsIn(cwd: string): {
  readonly file: string;
  readonly results: BenchResults;
  readonly page: string;
} {
  const names = readdirSync(path.join(cwd, 'results')).sort();
  expect(names.map((name) => path.extname(name))).toEqual(['.html', '.json']);
  const [page, file] = names.map((name) => path.join(cwd, 'results', name));
  return {
    file: file!,
    results: JSON.parse(readFileSync(file!, 'utf8')) as BenchResults,
    page: readFileSync(page!, 'utf8'),
  };
}

describe('a run', () => {
  let printed: Printed;
  let written: ReturnType<typeof resultsIn>;

  beforeAll(() => {
    const cwd = mkdtempSync(path.join(tmpdir(), 'heed-test-'));
    const run = heedJSON<Printed>(
      ['bench', 'ts', '--workload', 'dense', '--workload', 'mask', '--lengths', '16,32', ...QUICK],
      { cwd },
    );
    expect(run.code).toBe(0);
    printed = run.value;
    written = resultsIn(cwd);
    return () => rmSync(cwd, { recursive: true });
  });

  test('prints the machine and a row for each contestant on each workload', () => {
    expect(Object.keys(printed)).toEqual(['machine', 'rows']);
    expect(printed.rows.map(({ workload, contestant }) => [workload, contestant])).toEqual(
      ['dense/16/h1', 'dense/32/h1', 'mask/512/h1'].flatMap((name) => [
        [name, 'triple loop'],
        [name, '@heed/backend-ts'],
      ]),
    );
    for (const row of printed.rows) {
      expect(Object.keys(row)).toEqual(
        'workload contestant device threads length medianMs gflops ratio peakBytes status'.split(' '),
      );
      expect(row.status).toBe('measured');
      for (const number of [row.medianMs, row.gflops, row.ratio, row.peakBytes])
        expect(number).toBeGreaterThan(0);
    }
    expect(printed.rows[0]!.ratio).toBe(1);
  });

  test('writes all of it to a file, with what it was measured on', () => {
    const { results } = written;
    expect(results).toMatchObject({
      format: 'heed-bench/1',
      stopped: false,
      settings: { threads: 1, rounds: 3 },
    });
    expect(results.machine).toEqual(printed.machine);
    expect(Object.keys(results.versions)).toContain('@heed/backend-ts');
    expect(results.peak.gflops).toBeGreaterThan(0.1);
    expect(results.rows.every(({ samplesMs }) => samplesMs.length === 3)).toBe(true);
  });

  test('writes a page that asks for nothing and runs nothing', () => {
    const { page } = written;
    expect(page).toMatch(/^<!doctype html>/);
    expect(page.replaceAll(/xmlns(:xlink)?="http:\/\/www\.w3\.org\/[\w/]+"/g, '')).not.toMatch(
      /https?:|url\((?!#)/,
    );
    expect(page).not.toMatch(/<(script|link|img|iframe|object|embed)\b|@import|\son\w+=/i);
    expect(page).not.toMatch(/undefined|\[object|NaN/);
  });

  test('can be compared with itself', () => {
    const { code, value } = heedJSON<ComparisonReport>(['compare', written.file, written.file]);
    expect(code).toBe(0);
    expect(value.rows).toHaveLength(6);
    expect(heed(['compare', written.file, written.file]).stdout).toMatch(/nothing is slower.*of 6 rows/);
  });

  test('one that is slower is found by the comparison', () => {
    const rounds = (factor: number): number[] =>
      Array.from({ length: 12 }, (_, round) => (1 + round / 1000) * factor);
    const many = (factor: number): BenchResults => ({
      ...written.results,
      rows: written.results.rows.map((row) => ({
        ...row,
        medianMs: row.medianMs! * factor,
        roundsMs: rounds(factor),
        undisturbedMs: rounds(factor),
      })),
      workloads: written.results.workloads.map((one) => ({
        ...one,
        peakGflops: Array(12).fill(50) as number[],
      })),
    });
    const folder = folderOf({ 'old.json': JSON.stringify(many(1)), 'new.json': JSON.stringify(many(1.3)) });
    const words = ['compare', path.join(folder, 'old.json'), path.join(folder, 'new.json')];
    const { code, value } = heedJSON<ComparisonReport>(words);
    expect(code).toBe(1);
    expect(value.rows.map(({ verdict }) => verdict)).toEqual(Array(6).fill('slower'));
    const { stdout } = heed(words);
    expect(stdout).toMatch(/dense\/16\/h1 +@heed\/backend-ts .* \+30%/);
    expect(stdout).toMatch(/✗ 6 slower, of 6 rows/);
  });
});

describe('a contestant that is', () => {
  const run = (
    words: readonly string[],
    cwd = folderOf({}),
  ): { code: number | null; row: Row; stdout: string } => {
    const { code, stdout } = heed(['bench', ...words, ...TINY, ...QUICK], { cwd });
    return { code, stdout, row: resultsIn(cwd).results.rows.at(-1)! };
  };

  test('wrong is not ranked, and the exit code says so', () => {
    const { code, row, stdout } = run([moduleFile('forgetsScale')]);
    expect(code).toBe(1);
    expect(row).toMatchObject({ status: 'wrong', medianMs: null });
    expect(stdout).toMatch(/forgetsScale\.mjs: wrong, the output differs from the float64 reference/);
  });

  test.each([
    ['hangsInRun', ['--timeout', '8'], /^no answer in 8 s/],
    ['exitsInRun', [], /^the process ended with exit code 7/],
    ['throwsInCreate', [], /no device/],
  ] as const)('%s is a row that says why', (name, words, reason) => {
    const { code, row } = run([moduleFile(name), ...words]);
    expect(code).toBe(0);
    expect(row).toMatchObject({ status: 'failed', reason: expect.stringMatching(reason) });
  });

  test('unavailable is named with its remedy', () => {
    const { code, stdout } = run([moduleFile('unavailable')]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/Not here\n.*unavailable\.mjs: no GPU\n +→ buy one/);
  });

  test('a package of the current folder takes part by its keyword', () => {
    const source = readFileSync(moduleFile('talksOnStdout'), 'utf8');
    const cwd = folderOf({
      'package.json': JSON.stringify({ dependencies: { abacus: '1.0.0' } }),
      'node_modules/abacus/package.json': JSON.stringify({
        name: 'abacus',
        version: '1.0.0',
        type: 'module',
        main: 'index.js',
        keywords: ['heed-backend'],
      }),
      'node_modules/abacus/index.js': source,
    });
    const { value } = heedJSON<{ contestants: string[] }>(['list', 'contestants'], { cwd });
    expect(value.contestants).toContain('abacus');
    expect(run(['abacus'], cwd).row).toMatchObject({ contestant: 'abacus', status: 'measured' });
  });
});

describe('Ctrl-C keeps what was measured', () => {
  const main = path.resolve(import.meta.dirname, '../../bin/heed.js');
  const words = ['bench', 'ts', '--workload', 'dense', '--lengths', '8,2048', '--turn', '0.001'];

  /** Interrupts the command once it prints this, and returns how it ended. */
  async function interrupt(child: ChildProcess, when: RegExp, how: () => void): Promise<number> {
    let said = '';
    const listen = (text: Buffer): void => {
      said += String(text);
      if (!when.test(said)) return;
      child.stdout!.off('data', listen);
      child.stderr!.off('data', listen);
      how();
    };
    child.stdout!.on('data', listen);
    child.stderr!.on('data', listen);
    const [code] = (await once(child, 'close')) as [number];
    return code;
  }

  function expectKept(cwd: string): number {
    const { results } = resultsIn(cwd);
    expect(results.stopped).toBe(true);
    expect(results.rows.map(({ status }) => status)).toEqual(['measured', 'measured', 'stopped', 'stopped']);
    return results.rows[0]!.roundsMs.length;
  }

  test('in a pipe, between two workloads', async () => {
    const cwd = folderOf({});
    const child = spawn(process.execPath, [main, ...words, '--rounds', '3', '--json'], { cwd });
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    expect(await interrupt(child, /2 of 2/, () => child.kill('SIGINT'))).toBe(1);
    expect(expectKept(cwd)).toBe(3);
    expect((JSON.parse(stdout) as Printed).rows).toHaveLength(4);
  });

  // `script` gives a terminal to a command; it comes with Linux.
  test.skipIf(process.platform !== 'linux')('on a terminal, between two rounds', async () => {
    const cwd = folderOf({});
    // Without "exec", the shell would get the Ctrl-C too, and some end with their own exit code.
    const command = ['exec', process.execPath, main, ...words, '--rounds', '1000'].join(' ');
    const child = spawn('script', ['--quiet', '--flush', '--return', '--command', command, '/dev/null'], {
      cwd,
    });
    // The first workload is half of the whole, and its first round a half of that.
    expect(await interrupt(child, /26%.*measuring/, () => child.stdin.write('\u0003'))).toBe(1);
    const rounds = expectKept(cwd);
    expect(rounds).toBeGreaterThan(1);
    expect(rounds).toBeLessThan(1000);
  });
});

describe('results that cannot be written after all', () => {
  const cwd = (): string =>
    folderOf({
      'clears.mjs': `import fs from 'fs'; fs.rmSync('out', { recursive: true, force: true });\n${MODULES.talksOnStdout}`,
    });
  const words = ['bench', './clears.mjs', ...TINY, ...QUICK, '--out', 'out'];

  test('are told all the same, and then the error', () => {
    const { code, stdout, stderr } = heed(words, { cwd: cwd() });
    expect(code).toBe(2);
    expect(stdout).toContain('dense/16/h1');
    expect(stderr).toMatch(/\nerror: results cannot be written: ENOENT.*\n {2}→ give --out .*\n$/);
  });

  test('are the one object', () => {
    const { code, value } = heedJSON<Printed>(words, { cwd: cwd() });
    expect(code).toBe(2);
    expect(value.rows).toHaveLength(2);
  });
});

describe('wrong usage', () => {
  test.each([
    [['--workload', 'nothing-like-this'], /unknown workload nothing-like-this/],
    [['nothing-like-this', ...TINY], /is not installed/],
    [['--lengths', '0'], /greater than 0/],
    [['--budget', 'soon'], /expected a number of seconds/],
    [['--budget', '15m'], /expected a number of seconds/],
    [['--threads', '1.5'], /greater than 0/],
    [['--compare', 'one.json', 'two.json'], /`heed compare OLD NEW`/],
    [['--list'], /`heed list`/],
    [['--out', '/dev/null/results', ...TINY], /results cannot be written/],
    // An existing folder in which not even root can create files.
    ...(process.platform === 'linux'
      ? ['/proc', '/proc/x', '/proc/x/y'].map(
          (out) => [['--out', out, ...TINY], /results cannot be written/] as const,
        )
      : []),
  ] as const)('%j', (words, message) => {
    const { code, value } = heedJSON<{ message: string }>(['bench', ...words], { cwd: folderOf({}) });
    expect(code).toBe(2);
    expect(value.message).toMatch(message);
  });

  test('results that cannot be read are named', () => {
    const { code, value } = heedJSON<{ message: string }>(['compare', 'one.json', 'two.json'], {
      cwd: folderOf({}),
    });
    expect(code).toBe(2);
    expect(value.message).toMatch(/one\.json cannot be read/);
  });

  test('a file that holds no results is named', () => {
    const folder = folderOf({});
    const file = path.join(folder, 'x.json');
    writeFileSync(file, '{"format": "heed-bench/9"}');
    const { code, stderr } = heed(['compare', file, file]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/x\.json is not a results file: format/);
  });
});

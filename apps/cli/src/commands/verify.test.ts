import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import { caseFile } from '@heed/conformance';
import { tensor } from '@heed/core';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Verified } from '../backends/verify-backend.ts';
import { folderOf, heed, heedJSON } from '../test/heed.ts';
import { moduleFile } from '../test/modules.ts';

/** A low limit, which is soon reached. */
const HOARD = ['--memory', '500'];

interface Result {
  readonly backends: readonly Verified[];
}

describe('a backend that is right', () => {
  test('passes, with a table of clauses', () => {
    const { code, stdout } = heed(['verify', 'reference', '--clause', 'gqa', '--clause', 'causal']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/gqa +\d+ +· +· +·/);
    expect(stdout).toMatch(/✓ \d+ passed/);
  });

  test('the object says all of it', () => {
    const { code, value } = heedJSON<Result>(['verify', 'reference', '--clause', 'gqa']);
    expect(code).toBe(0);
    const [backend] = value.backends;
    expect(backend).toMatchObject({
      name: 'reference',
      device: 'JavaScript float64, one thread',
      package: '@heed/core',
      failed: 0,
      refused: 0,
      notGuaranteed: 0,
      expectedFailures: 0,
    });
    expect(backend!.clauses.map(({ clause }) => clause)).toEqual(['gqa']);
    const [{ worst, passed }] = backend!.clauses as [Verified['clauses'][number]];
    expect(passed).toBe(backend!.passed);
    expect(worst!.error).toBeLessThan(worst!.bound);
  });

  test('@heed/backend-ts is found by its name and by its short name, and counted once for each', () => {
    const { code, value } = heedJSON<Result>(['verify', '@heed/backend-ts', 'ts', 'ts', '--clause', 'mask']);
    expect(code).toBe(0);
    expect(value.backends.map(({ name }) => name)).toEqual(['ts', 'ts']);
  });
});

describe('a backend that does not declare everything', () => {
  test('what was refused, not guaranteed and left out is listed beside what passed', () => {
    const words = ['--clause', 'gqa', '--clause', 'dtype', '--clause', 'repeat'];
    const { value } = heedJSON<Result>(['verify', moduleFile('declaresLittle'), ...words]);
    const [backend] = value.backends;
    const cases = backend!.clauses.flatMap((clause) => clause.cases);
    const of = (status: string): string[] => cases.flatMap((one) => (one.status === status ? one.id : []));
    expect(of('passed')).toHaveLength(backend!.passed);
    expect(of('refused')).toContain('gqa/control');
    expect(cases.find(({ id }) => id === 'gqa/control')).toMatchObject({ missing: ['gqa'] });
    expect(of('notGuaranteed')).toContain('repeat/plain');
    expect(of('notApplicable')).toEqual([
      'dtype/float16/resident',
      'dtype/bfloat16/resident',
      'gqa/property/repeated-heads',
    ]);
    expect(cases.find(({ id }) => id === 'dtype/control')).toMatchObject({ missing: ['dtype'] });
  });
});

describe('a backend that is wrong', () => {
  test('fails in the clause, with the failures and the error beyond its bound', () => {
    const { code, value } = heedJSON<Result>(['verify', moduleFile('forgetsScale'), '--clause', 'order']);
    expect(code).toBe(1);
    const [backend] = value.backends;
    expect(backend!.failed).toBeGreaterThan(0);
    const [{ failures, worst }] = backend!.clauses as [Verified['clauses'][number]];
    expect(failures[0]).toMatchObject({ id: expect.stringMatching(/^order\//), message: expect.any(String) });
    expect(worst!.error).toBeGreaterThan(worst!.bound);
    const { stdout } = heed(['verify', moduleFile('forgetsScale'), '--clause', 'order']);
    expect(stdout).toContain(`✗ ${failures[0]!.id}`);
    expect(stdout).toMatch(/✗ \d+ failed/);
  });

  test.each([
    ['hangsInRun', 'no answer in 10 s'],
    ['exitsInRun', 'the process ended with exit code 7'],
    ['hoardsInRun', 'MemoryError: more than 500 MB of memory'],
    ['hoardsObjects', 'MemoryError: more than 500 MB of memory'],
  ] as const)('%s: its end is a failure, the next backend is verified all the same', (name, message) => {
    const limits = {
      hangsInRun: ['--timeout', '10'],
      exitsInRun: [],
      hoardsInRun: HOARD,
      hoardsObjects: HOARD,
    }[name];
    const words = ['verify', moduleFile(name), 'reference', '--clause', 'gqa', ...limits];
    const { code, value } = heedJSON<Result>(words);
    expect(code).toBe(1);
    expect(value.backends[0]).toMatchObject({
      failed: 1,
      device: null,
      error: { heedError: 1, code: 'ENGINE', message: expect.stringContaining(message) },
    });
    expect(value.backends[1]).toMatchObject({ name: 'reference', failed: 0 });
  });

  test.each([
    ['hangsInProbe', [], 'in probe: no answer in 5 s'],
    ['hangsInCreate', [], 'in create: no answer in 5 s'],
    ['hangsInCreate', ['--fuzz', '1'], 'in create: no answer in 5 s'],
    ['hangsInRun', [], 'in the first case: no answer in 5 s'],
  ] as const)('%s %j: where it hangs is said', (name, words, message) => {
    const { code, value } = heedJSON<Result>(['verify', moduleFile(name), '--timeout', '5', ...words]);
    expect(code).toBe(1);
    expect(value.backends[0]!.error!.message).toContain(message);
  });

  test.each([
    ['throwsNull', 'shape', 'null'],
    ['givesWrongShape', 'shape', 'output has the shape [1,2,2,7,8]; expected [2, 2, 7, 8]'],
    ['givesNaN', 'shape', 'output[0, 0, 0, 0] is NaN'],
    ['givesTooFewBytes', 'shape', 'output has 223 numbers; expected 224'],
    ['writesToInputs', 'inputs', 'after the run: query[0, 0, 0, 0] is 0'],
    ['answersAfterDispose', 'life', 'expected the code DISPOSED for run() after dispose()'],
    ['declaresTooMuch', 'gqa', 'declares all that the problem uses and refuses it'],
    ['declaresTooLittle', 'refusal', 'supports() accepts gqa, which the capabilities do not declare'],
    ['forgesReport', 'shape', 'process.send is not a function'],
  ] as const)('%s: its fault is named, in the clause %s', (name, clause, message) => {
    const { code, value } = heedJSON<Result>(['verify', moduleFile(name), '--clause', clause]);
    expect(code).toBe(1);
    expect(value.backends[0]!.clauses).toMatchObject([{ clause }]);
    expect(value.backends[0]!.clauses[0]!.failures[0]!.message).toContain(message);
  });

  test('one that prints does not spoil the object', () => {
    expect(heedJSON<Result>(['verify', moduleFile('talksOnStdout'), '--clause', 'gqa']).code).toBe(0);
  });
});

describe('a backend that cannot be verified is wrong usage', () => {
  test.each([
    ['nothing-like-this', 'ARGUMENT'],
    ['./nowhere.js', 'ARGUMENT'],
  ])('%s', (name, errorCode) => {
    const { code, value } = heedJSON(['verify', name]);
    expect(code).toBe(2);
    expect(value).toMatchObject({ heedError: 1, code: errorCode, remedy: expect.any(String) });
  });

  test.each([
    ['throwsAtImport', 'UNAVAILABLE'],
    ['exportsNothing', 'ARGUMENT'],
    ['otherContract', 'CONTRACT_VERSION'],
    ['unavailable', 'UNAVAILABLE'],
  ] as const)('%s', (name, errorCode) => {
    const { code, value } = heedJSON(['verify', moduleFile(name), '--clause', 'gqa']);
    expect(code).toBe(2);
    expect(value).toMatchObject({ heedError: 1, code: errorCode });
  });

  test('words say what to do', () => {
    const { code, stderr } = heed(['verify', 'nothing-like-this']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error: .*not installed\n {2}→ install it/);
  });
});

describe('--case', () => {
  test('runs the cases with these ids, and no other', () => {
    const words = ['verify', 'reference', '--case', 'gqa/control', '--case', 'window/left-3/causal'];
    const { code, value } = heedJSON<Result>(words);
    expect(code).toBe(0);
    expect(value.backends[0]!.clauses.flatMap(({ cases }) => cases)).toEqual([
      { id: 'gqa/control', status: 'passed' },
      { id: 'window/left-3/causal', status: 'passed' },
    ]);
  });

  test('that is wrong says what it is there to find', () => {
    const { code, stdout } = heed(['verify', moduleFile('forgetsScale'), '--case', 'order/scale/small']);
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /✗ order\/scale\/small\n {4}A given scale replaces the default: [^\n]+\n {4}output\[/,
    );
  });

  test('that is not there is an error with those that are near', () => {
    const { code, value } = heedJSON(['verify', 'reference', '--case', 'window/left-3/causl']);
    expect(code).toBe(2);
    expect(value).toMatchObject({
      code: 'ARGUMENT',
      message: expect.stringContaining('unknown case window/left-3/causl'),
      remedy: expect.stringContaining('window/left-3, window/left-3/causal'),
    });
  });

  test('that needs more than is declared says so: nothing is computed', () => {
    const file = moduleFile('declaresTooLittle');
    const { code, stdout } = heed(['verify', file, '--case', 'gqa/property/repeated-heads']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/– nothing was computed, 1 left out, as they need gqa/);
  });
});

describe('cases of one’s own', () => {
  const x = tensor(new Float32Array([1, 2]), [1, 1, 2, 1]);
  const pair = caseFile('the float64 reference', [
    {
      kind: 'agreement',
      id: 'mine/pair',
      clause: 'causal',
      request: () => ({ query: x, key: x, value: x, causal: true }),
    },
  ]);

  test('of a folder run in place of the suite', () => {
    const cwd = folderOf({ 'cases/pair.json': pair });
    const { code, value } = heedJSON<Result>(['verify', 'reference', '--cases', 'cases'], { cwd });
    expect(code).toBe(0);
    expect(value.backends[0]).toMatchObject({ passed: 1, failed: 0, notCovered: [] });
  });

  test('that are malformed are an error that names the file', () => {
    const cwd = folderOf({ 'cases/bad.json': '{"format": "heed-cases/1"' });
    const { code, value } = heedJSON(['verify', 'reference', '--cases', 'cases'], { cwd });
    expect(code).toBe(2);
    expect(value).toMatchObject({ code: 'ARGUMENT', message: expect.stringContaining('bad.json') });
  });
});

describe('fuzzing', () => {
  test('counts the problems that agree, and says the seed', () => {
    const { code, value } = heedJSON<Result>(['verify', 'reference', '--fuzz', '1', '--seed', '7']);
    expect(code).toBe(0);
    expect(value.backends[0]).toMatchObject({ failed: 0, fuzz: { seed: 7, disagreement: null } });
    expect(value.backends[0]!.passed).toBe(value.backends[0]!.fuzz!.problems);
  });

  test('a disagreement is saved as a case file, which fails by itself', () => {
    const file = moduleFile('forgetsScale');
    const { code, value } = heedJSON<Result>(['verify', file, '--fuzz', '5', '--seed', '7']);
    expect(code).toBe(1);
    const saved = value.backends[0]!.fuzz!.disagreement!.file;
    expect(path.isAbsolute(saved) && existsSync(saved)).toBe(true);
    onTestFinished(() => rmSync(path.dirname(saved), { recursive: true }));
    expect(heed(['verify', file, '--cases', saved]).code).toBe(1);
    expect(heed(['verify', 'reference', '--cases', saved]).code).toBe(0);
  });

  test('a seed without fuzzing is wrong usage', () => {
    expect(heed(['verify', 'reference', '--seed', '1']).code).toBe(2);
  });
});

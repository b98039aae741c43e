import { describe, expect, test } from 'vitest';
import type { Diagnosis } from '../backends/diagnose.ts';
import { folderOf, heed, heedJSON } from '../test/heed.ts';
import { MODULES, moduleFile } from '../test/modules.ts';

interface Report {
  readonly machine: { readonly node: string };
  readonly backends: readonly Diagnosis[];
}

const dependency = (name: string, keywords: string[]): Record<string, string> => ({
  [`node_modules/${name}/package.json`]: JSON.stringify({
    name,
    version: '1.2.3',
    keywords,
    type: 'module',
    exports: { import: './index.js' },
  }),
  [`node_modules/${name}/index.js`]: MODULES.unavailable,
});

describe('what is installed', () => {
  test('this project: each backend with its device, package and capabilities', () => {
    const { code, value } = heedJSON<Report>(['doctor']);
    expect(code).toBe(0);
    expect(value.machine.node).toBe(process.versions.node);
    const reference = value.backends.find(({ specifier }) => specifier === 'reference');
    expect(reference).toMatchObject({
      name: 'reference',
      package: '@heed/core',
      status: 'available',
      device: 'JavaScript float64, one thread',
    });
    const ts = value.backends.find(({ specifier }) => specifier === 'ts');
    expect(ts).toMatchObject({ name: 'ts', package: '@heed/backend-ts', status: 'available' });
    expect(ts!.capabilities!.features).toContain('causal');
  });

  test('one that measures its runs: figures of a small one', () => {
    const words = ['doctor', moduleFile('measuresRuns')];
    expect(heedJSON<Report>(words).value.backends[0]!.lastRun).toEqual({ bytesSent: 1234.5, total: 0.25 });
    expect(heed(words).stdout).toContain(
      'a small run, in milliseconds and bytes: bytes sent 1235, total 0.25',
    );
  });

  test("a module of Node's is not a backend", () => {
    const { code, value } = heedJSON<Report>(['doctor', 'events'], { cwd: folderOf({}) });
    expect(code).toBe(1);
    expect(value.backends).toMatchObject([
      { status: 'missing', reason: expect.stringContaining('not installed') },
    ]);
  });

  test('third parties: dependencies of the current folder with the keyword heed-backend', () => {
    const cwd = folderOf({
      'package.json': JSON.stringify({ dependencies: { plugin: '1', other: '1', absent: '1' } }),
      ...dependency('plugin', ['heed-backend']),
      ...dependency('other', ['something-else']),
    });
    const { code, value } = heedJSON<Report>(['doctor'], { cwd });
    expect(code).toBe(0);
    expect(value.backends.map(({ specifier }) => specifier)).toEqual(
      expect.arrayContaining(['ts', 'plugin']),
    );
    expect(value.backends.map(({ specifier }) => specifier)).not.toContain('other');
    const plugin = value.backends.find(({ specifier }) => specifier === 'plugin');
    expect(plugin).toMatchObject({
      version: '1.2.3',
      status: 'unavailable',
      reason: 'no GPU',
      remedy: 'buy one',
    });
  });

  test('the current folder comes before what the command brings along', () => {
    const cwd = folderOf({
      'node_modules/@heed/backend-ts/package.json': JSON.stringify({
        name: '@heed/backend-ts',
        version: '77.0.0',
        exports: './index.mjs',
      }),
      'node_modules/@heed/backend-ts/index.mjs': MODULES.unavailable,
    });
    const { value } = heedJSON<Report>(['doctor', 'ts'], { cwd });
    expect(value.backends[0]).toMatchObject({ version: '77.0.0', status: 'unavailable' });
  });

  test('what is named and not there is a row with a remedy', () => {
    const { code, value } = heedJSON<Report>(['doctor', 'nothing-like-this', './nowhere.js', 'reference']);
    expect(code).toBe(1);
    expect(value.backends.map(({ status }) => status)).toEqual(['missing', 'missing', 'available']);
    expect(value.backends[0]!.remedy).toContain('install');
  });
});

describe('a faulty backend is a row that says so', () => {
  test.each([
    ['throwsAtImport', 'no such engine'],
    ['syntaxError', 'cannot be imported'],
    ['exitsAtImport', 'in import: the process ended with exit code 0'],
    ['exportsNothing', 'exports nothing by default'],
    ['exportsFunction', 'exports a function by default'],
    ['exportsNull', 'exports null by default'],
    ['halfProvider', 'expected a backend provider'],
    ['otherContract', 'unsupported contract version 99'],
    ['hangsInProbe', 'in probe: no answer in 5 s'],
    ['spinsInProbe', 'in probe: no answer in 5 s'],
    ['hangsInCreate', 'in create: no answer in 5 s'],
    ['throwsInProbe', 'no probe today'],
    ['crashesInProbe', 'Error: later'],
    ['throwsInCreate', 'create() fails: no device'],
    ['throwsNoTextInCreate', 'create() fails: object'],
    ['saysNothing', 'does not state its device'],
    ['probesNothing', 'does not say whether it is available'],
    ['createsNothing', 'does not state its device'],
    ['hangsInDispose', 'in dispose: no answer in 5 s'],
    ['hoardsInProbe', 'in probe: the process was ended by SIGKILL: MemoryError: more than 500 MB'],
  ] as const)('%s', (name, reason) => {
    const limits = reason.includes('5 s') ? ['--timeout', '5'] : ['--memory', '500'];
    const { code, value } = heedJSON<Report>(['doctor', moduleFile(name), 'reference', ...limits]);
    expect(code).toBe(1);
    expect(value.backends[0]).toMatchObject({
      status: 'broken',
      reason: expect.stringContaining(reason),
      device: null,
    });
    expect(value.backends[1]).toMatchObject({ status: 'available' });
  });

  test('one that prints does not spoil the object', () => {
    const { code, value } = heedJSON<Report>(['doctor', moduleFile('talksOnStdout')]);
    expect(code).toBe(0);
    expect(value.backends).toHaveLength(1);
  });

  test('its words do not steer the terminal', () => {
    const { code, stdout } = heed(['doctor', moduleFile('paints')]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/✓ \[31mred +a \[2Jb/);
    expect(stdout.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  });

  test('an engine that cannot run here is not a fault, unless it was named', () => {
    const file = moduleFile('unavailable');
    const { code, stdout } = heed(['doctor', file]);
    expect(code).toBe(1);
    expect(stdout).toContain('no GPU');
    expect(stdout).toContain('→ buy one');
  });
});

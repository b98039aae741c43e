import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { folderOf, heed, heedJSON } from '../test/heed.ts';
import { MODULES, moduleFile } from '../test/modules.ts';
import { badge } from './badge.ts';
import { type PublishedReport, verdict } from './published-report.ts';

const schema = JSON.parse(
  readFileSync(path.resolve(import.meta.dirname, '../../report.schema.json'), 'utf8'),
) as object;
const validate = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(schema);

interface Written {
  readonly code: number | null;
  readonly report: PublishedReport;
  readonly files: Readonly<Record<'json' | 'md' | 'svg', string>>;
}

/** Verifies with --report, and reads what was written of the first backend. */
function written(...words: readonly string[]): Written {
  const cwd = folderOf({});
  const { code, value } = heedJSON<{ reports: string[] }>(['verify', ...words, '--report', 'out'], { cwd });
  const texts = value.reports.slice(0, 3).map((file) => {
    expect(path.dirname(file)).toBe(path.join(cwd, 'out'));
    return [path.extname(file).slice(1), readFileSync(file, 'utf8')];
  });
  const files = Object.fromEntries(texts) as Written['files'];
  const report = JSON.parse(files.json) as PublishedReport;
  expect(validate(report), JSON.stringify(validate.errors)).toBe(true);
  return { code, report, files };
}

describe('a report', () => {
  test('says what was verified, by what, and how it went; a run of some clauses says so', () => {
    const { code, report, files } = written('ts', '--clause', 'gqa');
    expect(code).toBe(0);
    expect(report).toMatchObject({
      format: 'heed-report/1',
      backend: {
        name: 'ts',
        package: '@heed/backend-ts',
        capabilities: { dtypes: ['float32', 'float64', 'float16', 'bfloat16'] },
      },
      suite: { contract: 1, clauses: ['gqa'], ownCases: false },
      conforms: false,
      summary: { failed: 0 },
      error: null,
    });
    expect(report.clauses.map(({ clause }) => clause)).toEqual(['gqa']);
    expect(files.md).toContain(`**${report.summary.passed} passed, in part**`);
    expect(files.md).toMatch(/\| gqa \| \d+ \| 0 \| 0 \| 0\.\d+ \|/);
    expect(files.svg).toContain(`aria-label="heed: ${report.summary.passed} passed, in part"`);
  });

  test('of failures names them', () => {
    const { code, report, files } = written(moduleFile('forgetsScale'), '--clause', 'order');
    expect(code).toBe(1);
    expect(report.summary.failed).toBeGreaterThan(0);
    const { id } = report.clauses[0]!.failures[0]!;
    expect(files.md).toContain(`- ${id.replaceAll('_', '\\_')}`);
    expect(files.svg).toContain('#c62828');
  });

  test('of known failures names their reason, and is not of a backend that conforms', () => {
    const known = `export const expectedFailures = { 'order/scale/small': 'the scale is fixed' };\n`;
    const file = path.join(folderOf({ 'known.mjs': MODULES.forgetsScale + known }), 'known.mjs');
    const { code, report, files } = written(file, '--case', 'order/scale/small', '--case', 'order/control');
    expect(code).toBe(1);
    expect(report.summary).toMatchObject({ expectedFailures: 1, failed: 1 });
    expect(report.clauses[0]!.cases).toContainEqual({
      id: 'order/scale/small',
      status: 'expectedFailure',
      reason: 'the scale is fixed',
    });
    expect(files.md).toContain('## Known to fail\n\n- the scale is fixed order/scale/small');
    const only = written(file, '--case', 'order/scale/small', '--case', 'order/scale/1').report;
    const all = { ...only, suite: { ...only.suite, cases: null } };
    expect(verdict(all)).toBe(`${only.summary.passed} passed, 1 known to fail`);
    expect(badge(all)).toContain('#8d6e00');
  });

  test('of a backend that died says why', () => {
    const { report, files } = written(moduleFile('exitsInRun'), '--clause', 'gqa');
    expect(report).toMatchObject({ conforms: false, error: { code: 'ENGINE' }, summary: { failed: 1 } });
    expect(files.md).toContain('It ended early: ');
  });

  test('is not led astray by the name of a backend', () => {
    const cwd = folderOf({ 'climbs.mjs': MODULES.climbs });
    const words = ['verify', './climbs.mjs', 'reference', '--clause', 'gqa', '--report', 'out'];
    const { value } = heedJSON<{ reports: string[] }>(words, { cwd });
    expect(value.reports).toHaveLength(6);
    for (const file of value.reports) expect(path.dirname(file)).toBe(path.join(cwd, 'out'));
    const [, md, svg] = value.reports.map((file) => readFileSync(file, 'utf8'));
    expect(md! + svg!).not.toContain('<script');
  });
});

describe('a folder that cannot be written to', () => {
  test('is wrong usage before anything is verified', () => {
    const cwd = folderOf({ 'taken.json': '{}' });
    // This backend would hang, but it never runs.
    const words = ['verify', moduleFile('hangsInRun'), '--report', 'taken.json'];
    const { code, value } = heedJSON(words, { cwd });
    expect(code).toBe(2);
    expect(value).toMatchObject({
      code: 'ARGUMENT',
      message: expect.stringMatching(/^reports cannot be written: .*taken\.json/),
      remedy: expect.stringContaining('--report'),
    });
  });

  test('after all: the result is told, and then the error', () => {
    const clears = `import fs from 'fs'; fs.rmSync('out', { recursive: true, force: true });\n`;
    const cwd = folderOf({ 'clears.mjs': clears + MODULES.talksOnStdout });
    const words = ['verify', './clears.mjs', '--clause', 'gqa', '--report', 'out'];
    const { code, stdout, stderr } = heed([...words, '--json'], { cwd });
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ backends: [{ failed: 0 }], reports: [] });
    expect(stderr).toMatch(/^error: reports cannot be written: ENOENT.*\n {2}→ give --report .*\n$/);
  });
});

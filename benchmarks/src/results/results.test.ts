import { readFile, readdir } from 'node:fs/promises';
import { HeedError } from '@heed/core';
import { toJsonSchema } from '@valibot/to-json-schema';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import type { Measurement } from '../measure/measure.ts';
import { parseResults, resultsOf } from './results.ts';
import { sampleResults } from '../test/sample-results.ts';
import { resultsSchema } from './schema.ts';

const SCHEMA = new URL('../../results.schema.json', import.meta.url);
const COMMITTED = new URL('../../results/', import.meta.url);

async function validator(): Promise<ValidateFunction> {
  const ajv = new Ajv2020({ allErrors: false, strictTuples: false, formats: { 'date-time': true } });
  return ajv.compile(JSON.parse(await readFile(SCHEMA, 'utf8')) as object);
}

describe('results.schema.json', () => {
  test('is the form that the reader checks', async () => {
    const schema = {
      title: 'Results of heed bench',
      ...toJsonSchema(resultsSchema, { target: 'draft-2020-12', errorMode: 'ignore' }),
    };
    // After a change of the schema: vitest -u.
    await expect(`${JSON.stringify(schema, null, 2)}\n`).toMatchFileSnapshot(SCHEMA.pathname);
  });

  test('accepts what is written, and every committed file', async () => {
    const validate = await validator();
    expect(validate(sampleResults())).toBe(true);
    const names = (await readdir(COMMITTED)).filter((name) => name.endsWith('.json'));
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) {
      const text = await readFile(new URL(name, COMMITTED), 'utf8');
      expect(validate(JSON.parse(text)), name).toBe(true);
      expect(parseResults(text, name).rows.length).toBeGreaterThan(100);
    }
  });
});

describe('results', () => {
  const sample = sampleResults();
  const measurement: Measurement = {
    machine: sample.machine,
    peakDevice: 'a model',
    peaks: sample.workloads.map(({ workload, peakGflops }) => ({
      workload: workload.name,
      gflops: peakGflops,
    })),
    rows: sample.rows,
    stopped: true,
  };
  const results = resultsOf(measurement, {
    startedAt: new Date('2026-01-02'),
    workloads: sample.workloads.map(({ workload }) => workload),
    contestants: ['triple loop', '@tensorflow/tfjs-backend-cpu', 'absent'].map((name) => ({ name })),
    versions: {},
    settings: { threads: 3 },
    note: 'a note',
  });

  test('can be read again', () => {
    expect(parseResults(JSON.stringify(results), 'x.json')).toEqual(results);
  });

  test('say what was measured with, and of which sources', () => {
    expect(results.settings).toMatchObject({ threads: 3, budgetSeconds: 600, baseline: 'triple loop' });
    expect(results).toMatchObject({ stopped: true, note: 'a note', peak: { gflops: 60 } });
    if (results.commit !== null) expect(results.commit).toMatch(/^[0-9a-f]{40}(-dirty)?$/);
  });

  test('have the growth law of each contestant over dense attention', () => {
    const [linear, square, unknown] = results.growth;
    expect(linear!.exponent).toBeCloseTo(1, 1);
    expect(square!.exponent).toBeCloseTo(2, 1);
    expect(square!.lengths).toEqual([128, 256, 512, 1024, 2048, 4096, 8192]);
    expect(unknown).toEqual({ contestant: 'absent', exponent: null, lengths: [] });
  });

  test.each([
    ['no JSON', '{'],
    ['no object', '[]'],
    ['another format', '{"format":"heed-bench/9"}'],
    ['a number that is a text', JSON.stringify({ ...results, stopped: 'no' })],
    [
      'a row without a status',
      JSON.stringify({ ...results, rows: [{ ...results.rows[0], status: undefined }] }),
    ],
  ])('%s is an error that names the file', (_, text) => {
    expect(() => parseResults(text, 'x.json')).toThrow(HeedError);
    expect(() => parseResults(text, 'x.json')).toThrow(/^x\.json is not a results file: /);
  });
});

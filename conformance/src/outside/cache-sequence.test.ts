import { FEATURES, type FloatDType } from '@heed/core';
import { describe, expect, test } from 'vitest';
import { simpleProvider } from '../broken/simple-backend.ts';
import type { Report } from '../report.ts';
import { verify } from '../verify.ts';
import { parseCases } from './parse-cases.ts';
import type { Json } from '../test/mutated-file.ts';

const tensorOf = (dtype: string, shape: readonly number[], data: readonly number[]): Json => ({
  dtype,
  shape,
  data,
});

/** Two steps on a cache of two rows, in an element type, with options beside. */
function twoSteps(dtype: FloatDType, options: Json, inputs: Readonly<Record<string, Json>>): string {
  const one = tensorOf(dtype, [1, 1, 1, 1], [1]);
  const cache = tensorOf(dtype, [1, 1, 2, 1], [1, 0]);
  const step = (length: number): Json => ({ inputs: { keyLengths: [length] }, expected: { output: one } });
  const theCase = {
    id: 'cache',
    options,
    inputs: { query: one, key: cache, value: cache, ...inputs },
    steps: [step(1), step(1)],
  };
  return JSON.stringify({ format: 'heed-cases/1', source: 'by hand', cases: [theCase] });
}

async function reportOf(text: string, declares: Parameters<typeof simpleProvider>[0]): Promise<Report> {
  return verify(simpleProvider(declares), { cases: parseCases(text, 'steps.json').cases });
}

const FLOAT64 = twoSteps('float64', {}, {});
const SAMPLING = twoSteps('float32', { selection: 'sample' }, { seed: 1 });
const withoutSampling = FEATURES.filter((name) => name !== 'selection.sample');

describe('steps that use what is not declared are refused', () => {
  test('an element type', async () => {
    const report = await reportOf(FLOAT64, { capabilities: { dtypes: ['float32'] } });
    expect(report).toMatchObject({ passed: 0, failed: 0, refused: 1 });
    expect(report.clauses[0]!.cases).toEqual([{ id: 'cache', status: 'refused', missing: ['dtype'] }]);
  });

  test('a feature', async () => {
    const report = await reportOf(SAMPLING, { capabilities: { features: withoutSampling } });
    expect(report).toMatchObject({ passed: 0, failed: 0, refused: 1 });
    expect(report.clauses[0]!.cases).toEqual([
      { id: 'cache', status: 'refused', missing: ['selection.sample'] },
    ]);
  });

  test('and computed where it is declared', async () => {
    for (const text of [FLOAT64, SAMPLING]) {
      expect(await reportOf(text, {})).toMatchObject({ passed: 1, failed: 0, refused: 0 });
    }
  });

  test.each([
    ['accepts what it does not declare', { supported: true } as const, /supports\(\) accepts dtype/],
    [
      'refuses what it declares',
      { supported: false, clause: 'lengths', reason: 'not today' } as const,
      /declares all that the problem uses and refuses it: lengths: not today/,
    ],
  ])('a backend fails that %s', async (_, support, message) => {
    const declares = support.supported ? { capabilities: { dtypes: ['float32'] as const } } : {};
    const provider = simpleProvider(declares);
    const lying = {
      ...provider,
      create: async () => {
        const backend = await provider.create();
        return { ...backend, supports: () => support };
      },
    };
    const report = await verify(lying, { cases: parseCases(FLOAT64, 'steps.json').cases });
    expect(report.failed).toBe(1);
    expect(report.clauses[0]!.failures[0]!.message).toMatch(message);
  });
});

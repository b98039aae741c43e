import type { BackendProvider, HeedError } from '@heed/core';
import reference from '@heed/core/reference';
import { describe, expect, test } from 'vitest';
import { allCases } from './all-cases.ts';
import { simpleProvider } from './broken/simple-backend.ts';
import type { Progress } from './verify.ts';
import { verify } from './verify.ts';

const all = await allCases();
const causalOffByOne = simpleProvider({ steps: { causal: (key, position) => key < position } });

describe('the report', () => {
  test('counts by clause, and is plain JSON', async () => {
    const report = await verify(reference, { clauses: ['causal', 'gqa', 'padding'] });
    expect(report).toMatchObject({
      name: 'reference',
      failed: 0,
      refused: 0,
      notGuaranteed: 0,
      expectedFailures: 0,
    });
    expect(report.clauses.map(({ clause }) => clause)).toEqual(['gqa', 'causal', 'padding']);
    const cases = all.filter(({ clause }) => ['causal', 'gqa', 'padding'].includes(clause));
    expect(report.passed).toBe(cases.length);
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });

  test('has the comparison that came nearest to its bound', async () => {
    const [causal] = (await verify(reference, { clauses: ['causal'] })).clauses;
    expect(all.find(({ id }) => id === causal!.worst!.case)).toMatchObject({ clause: 'causal' });
    expect(causal!.worst!.error).toBeGreaterThan(0);
    expect(causal!.worst!.error).toBeLessThan(causal!.worst!.bound);
  });

  test('has every failure with its message, and no number where there is none', async () => {
    const nan = simpleProvider({ steps: { emptyOutput: () => NaN } });
    const { failed, clauses } = await verify(nan, { clauses: ['empty'] });
    expect(failed).toBe(clauses[0]!.failures.length);
    expect(clauses[0]!.failures[0]).toEqual({
      id: 'empty/no-keys',
      purpose: 'A row that may attend to nothing has output 0, whatever the cause: never NaN.',
      message: 'output[0, 0, 0, 0] is NaN; expected exactly 0',
    });
    expect(clauses[0]!.worst!.error).toBeNull();
  });

  test('says of a property what is wrong in the smallest request, and how to reproduce it', async () => {
    const { clauses } = await verify(causalOffByOne, { ids: ['causal/property/causal-is-a-mask'] });
    expect(clauses[0]!.failures[0]!.message).toMatch(
      /^output\[.*; smallest request that fails: \{.*\} \(seed -?\d+, path [\d:]+\)$/,
    );
  });

  test('is the same each time', async () => {
    const options = { clauses: ['order', 'sinks'] };
    expect(await verify(causalOffByOne, options)).toEqual(await verify(causalOffByOne, options));
  });
});

describe('what is not declared', () => {
  test('float64: refused, and no failure', async () => {
    const report = await verify(simpleProvider({ capabilities: { dtypes: ['float32'] } }), {
      clauses: ['dtype', 'refusal', 'mask', 'gradient'],
    });
    expect(report.clauses.flatMap(({ failures }) => failures)).toEqual([]);
    expect(report.clauses.find(({ clause }) => clause === 'dtype')).toMatchObject({ passed: 0, failed: 0 });
  });

  test('guarantees are reported as not guaranteed', async () => {
    // Some of hundreds of cases that are all treated alike.
    const cases = all
      .filter(({ clause }) => clause === 'padding' || clause === 'repeat')
      .filter((_, n) => n % 8 === 0);
    const report = await verify(simpleProvider({ capabilities: { guarantees: ['repeat'] } }), { cases });
    const [padding, repeat] = report.clauses;
    expect(padding).toMatchObject({ passed: 0, failed: 0, notGuaranteed: report.notGuaranteed });
    expect(repeat).toMatchObject({ failed: 0, notGuaranteed: 0 });
  });
});

describe('expected failures', () => {
  const causal = { clauses: ['causal'] };

  test('are counted apart', async () => {
    const { clauses } = await verify(causalOffByOne, causal);
    const expectedFailures = Object.fromEntries(clauses[0]!.failures.map(({ id }) => [id, 'off by one']));
    const report = await verify(causalOffByOne, { ...causal, expectedFailures });
    expect(report).toMatchObject({ failed: 0, expectedFailures: clauses[0]!.failed });
  });

  test('that pass are failures of the list', async () => {
    const expectedFailures = { 'causal/control': 'it was so once' };
    const report = await verify(reference, { ...causal, expectedFailures });
    expect(report).toMatchObject({ failed: 1, expectedFailures: 0 });
    expect(report.clauses[0]!.failures[0]!.message).toContain('it was so once');
  });

  test('that no case has are an error', async () => {
    const expectedFailures = { 'causal/no-such-case': 'it was renamed' };
    await expect(verify(reference, { ...causal, expectedFailures })).rejects.toMatchObject({
      code: 'ARGUMENT',
    });
  });
});

describe('options', () => {
  test('an unknown clause is an error that names the known ones', async () => {
    const error: HeedError = await verify(reference, { clauses: ['mood'] }).catch((reason) => reason);
    expect(error.code).toBe('ARGUMENT');
    expect(error.remedy).toContain('causal');
  });

  test('progress is reported after each case', async () => {
    const seen: Progress[] = [];
    const report = await verify(reference, {
      clauses: ['gqa'],
      onProgress: (progress) => seen.push(progress),
    });
    expect(seen).toHaveLength(report.passed);
    expect(seen.at(-1)).toMatchObject({ done: seen.length, total: seen.length, status: 'passed' });
  });

  test('an aborted signal ends it with the reason, and the backend is disposed', async () => {
    let disposed = 0;
    const counted: BackendProvider = {
      ...reference,
      create: async () => {
        const backend = await reference.create();
        return Object.assign(Object.create(backend), {
          dispose: async () => {
            disposed++;
            await backend.dispose();
          },
        });
      },
    };
    const controller = new AbortController();
    const reason = new Error('enough');
    const run = verify(counted, {
      clauses: ['gqa'],
      signal: controller.signal,
      onProgress: () => controller.abort(reason),
    });
    await expect(run).rejects.toBe(reason);
    expect(disposed).toBe(1);
  });

  test('a provider of another contract, or without an engine, is an error', async () => {
    const future = { ...reference, contract: 2 } as unknown as BackendProvider;
    await expect(verify(future)).rejects.toMatchObject({ code: 'CONTRACT_VERSION' });
    const absent: BackendProvider = {
      ...reference,
      probe: async () => ({ available: false, reason: 'no engine', remedy: 'install one' }),
    };
    await expect(verify(absent)).rejects.toMatchObject({ code: 'UNAVAILABLE', remedy: 'install one' });
  });
});

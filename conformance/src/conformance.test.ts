import type { BackendProvider } from '@heed/core';
import reference from '@heed/core/reference';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { simpleProvider } from './broken/simple-backend.ts';
import { type ConformanceOptions, type TestFunction, conformance } from './conformance.ts';

/** A test runner that only records. */
async function registered(provider: BackendProvider, options: ConformanceOptions, canSkip = true) {
  const groups: string[] = [];
  const tests = new Map<string, () => Promise<void>>();
  const skipped: string[] = [];
  const take: TestFunction = (name, run) => tests.set(name, run);
  const skip = (name: string): unknown => skipped.push(name);
  await conformance(
    provider,
    {
      describe(name, define) {
        groups.push(name);
        define();
      },
      test: canSkip ? Object.assign(take, { skip }) : take,
    },
    options,
  );
  return { groups, tests, skipped };
}

const absent: BackendProvider = {
  ...reference,
  name: 'wasm',
  probe: async () => ({ available: false, reason: 'no WebAssembly', remedy: 'use another runtime' }),
};

// These tests cover an engine that is not required, also where the environment requires all engines.
beforeEach(() => vi.stubEnv('HEED_REQUIRE', undefined));
afterEach(() => vi.unstubAllEnvs());

describe('an engine that runs here', () => {
  test('has a group for each clause, a test for each case, and an end', async () => {
    const { groups, tests } = await registered(reference, { clauses: ['gqa', 'causal'] });
    expect(groups).toEqual(['reference conformance', 'gqa', 'causal']);
    expect([...tests.keys()]).toEqual(expect.arrayContaining(['gqa/control', 'causal/control']));
    for (const run of tests.values()) await run();
  });

  test('fails in the case that is wrong, with its message', async () => {
    const broken = simpleProvider({ steps: { kvHead: (h, { kvHeads }) => h % kvHeads } });
    const { tests } = await registered(broken, { clauses: ['gqa'] });
    await expect(tests.get('gqa/control')!()).rejects.toThrow(/the reference is/);
  });

  test('may fail where it is expected to, and must fail there', async () => {
    const broken = simpleProvider({ steps: { causal: () => true } });
    const expectedFailures = { 'causal/control': 'not yet', 'causal/length/1': 'not yet' };
    const { tests } = await registered(broken, { clauses: ['causal'], expectedFailures });
    await tests.get('causal/control (expected failure: not yet)')!();
    const fixed = tests.get('causal/length/1 (expected failure: not yet)')!();
    await expect(fixed).rejects.toThrow(/take it off the list/);
  });
});

describe('an engine that is absent', () => {
  const name = 'wasm is not available: no WebAssembly (use another runtime)';

  test('is one skipped test with the reason and the remedy', async () => {
    expect(await registered(absent, {})).toMatchObject({ skipped: [name], tests: new Map() });
  });

  test('says so in a test where the runner cannot skip', async () => {
    const { tests } = await registered(absent, {}, false);
    expect([...tests.keys()]).toEqual([`skipped: ${name}`]);
    await tests.get(`skipped: ${name}`)!();
  });

  test.each(['all', 'wasm', 'webgpu, wasm'])('fails when HEED_REQUIRE is %s', async (required) => {
    vi.stubEnv('HEED_REQUIRE', required);
    const { tests, skipped } = await registered(absent, {});
    expect(skipped).toEqual([]);
    await expect(tests.get(name)!()).rejects.toThrow('no WebAssembly');
  });

  test('is skipped when HEED_REQUIRE names others', async () => {
    vi.stubEnv('HEED_REQUIRE', 'webgpu');
    expect(await registered(absent, {})).toMatchObject({ skipped: [name] });
  });
});

test('a provider of another contract is an error', async () => {
  const future = { ...reference, contract: 2 } as unknown as BackendProvider;
  await expect(registered(future, {})).rejects.toMatchObject({ code: 'CONTRACT_VERSION' });
});

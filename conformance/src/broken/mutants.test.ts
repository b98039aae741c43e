import type { BackendProvider } from '@heed/core';
import { describe, expect, test } from 'vitest';
import { allCases } from '../all-cases.ts';
import { verify } from '../verify.ts';
import { ARITHMETIC_MUTANTS } from './arithmetic-mutants.ts';
import { CONTRACT_MUTANTS } from './contract-mutants.ts';
import { FACTOR_MUTANTS } from './factor-mutants.ts';
import { simpleProvider } from './simple-backend.ts';

/** The first case of a clause that fails, or null. */
async function firstFailure(provider: BackendProvider, clause: string): Promise<string | null> {
  const found = new AbortController();
  let failure: string | null = null;
  const onProgress = ({ id, status }: { id: string; status: string }): void => {
    if (status !== 'failed') return;
    failure ??= id;
    found.abort();
  };
  await verify(provider, { clauses: [clause], signal: found.signal, onProgress }).catch((error: unknown) => {
    if (failure === null) throw error;
  });
  return failure;
}

describe('a backend with one fault fails in the clause that names it', () => {
  const mutants = Object.entries({
    ...ARITHMETIC_MUTANTS,
    ...FACTOR_MUTANTS,
    ...CONTRACT_MUTANTS,
  });
  test.each(mutants)('%s', async (_, { clause, overrides }) => {
    expect(await firstFailure(simpleProvider(overrides), clause)).not.toBeNull();
  });
});

// Where one term is far above all others, the bound must not grow with the number of the others.
describe('a small factor is not hidden by a long sum', () => {
  const above = { forward: /^accuracy\/one-key-above/, gradient: /^accuracy\/gradient\/one-(key|row)-above/ };
  test.each([
    ['output off by 2⁻¹²', above.forward],
    ['weights off by 2⁻¹²', above.forward],
    ['logSumExp off by 2⁻¹²', above.forward],
    ['rowSum off by 2⁻¹²', above.forward],
    ['dValue off by 2⁻¹²', above.gradient],
  ] as const)('%s', async (name, ids) => {
    const cases = (await allCases()).filter(({ id }) => ids.test(id));
    const { failed } = await verify(simpleProvider(FACTOR_MUTANTS[name]!.overrides), { cases });
    expect(failed).toBe(cases.length);
    expect(failed).toBeGreaterThanOrEqual(3);
  });
});

import type { BackendProvider } from '@heed/core';
import { describe, expect, test } from 'vitest';
import { verify } from '../verify.ts';
import { ARITHMETIC_MUTANTS } from './arithmetic-mutants.ts';
import { CACHE_MUTANTS } from './cache-mutants.ts';
import { CONTRACT_MUTANTS } from './contract-mutants.ts';
import { DROPOUT_MUTANTS } from './dropout-mutants.ts';
import { ELEMENT_DROPOUT_MUTANTS } from './element-dropout-mutants.ts';
import { EMBEDDING_MUTANTS } from './embedding-mutants.ts';
import { FACTOR_MUTANTS } from './factor-mutants.ts';
import { LINEAR_MUTANTS } from './linear-mutants.ts';
import { NORM_MUTANTS } from './norm-mutants.ts';
import { ROTARY_MUTANTS } from './rotary-mutants.ts';
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

/** Defines the tests of every sixth fault (`test`), or of the others (`release`). */
export function testMutants(part: 'test' | 'release'): void {
  describe('a backend with one fault fails in the clause that names it', () => {
    const mutants = Object.entries({
      ...ARITHMETIC_MUTANTS,
      ...FACTOR_MUTANTS,
      ...CONTRACT_MUTANTS,
      ...LINEAR_MUTANTS,
      ...NORM_MUTANTS,
      ...ROTARY_MUTANTS,
      ...EMBEDDING_MUTANTS,
      ...ELEMENT_DROPOUT_MUTANTS,
      ...CACHE_MUTANTS,
      ...DROPOUT_MUTANTS,
    }).filter((_, n) => (n % 6 === 0) === (part === 'test'));
    test.each(mutants)('%s', async (_, { clause, overrides }) => {
      expect(await firstFailure(simpleProvider(overrides), clause)).not.toBeNull();
    });
  });
}

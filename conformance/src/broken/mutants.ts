import { describe, expect, test } from 'vitest';
import { allCases } from '../all-cases.ts';
import { verify } from '../verify.ts';
import { ARITHMETIC_MUTANTS } from './arithmetic-mutants.ts';
import { CACHE_MUTANTS } from './cache-mutants.ts';
import { CONTRACT_MUTANTS } from './contract-mutants.ts';
import { DROPOUT_MUTANTS } from './dropout-mutants.ts';
import { ELEMENT_DROPOUT_MUTANTS } from './element-dropout-mutants.ts';
import { EMBEDDING_MUTANTS } from './embedding-mutants.ts';
import { FACTOR_MUTANTS } from './factor-mutants.ts';
import { LINEAR_MUTANTS } from './linear-mutants.ts';
import type { Mutant } from './mutant.ts';
import { NORM_MUTANTS } from './norm-mutants.ts';
import { ROTARY_MUTANTS } from './rotary-mutants.ts';
import { simpleProvider } from './simple-backend.ts';

/** Ids in the order in which cases are tried: the longest last. */
const ORDER = [/./, /of-65536|passage|many-|across-tiles|thousands|scattered/, /ahead/];
const quickFirst = (await allCases())
  .map((one) => ({ one, turn: ORDER.findLastIndex((ids) => ids.test(one.id)) }))
  .sort((a, b) => a.turn - b.turn)
  .map(({ one }) => one);

/** A case of its clause in which a mutant fails, of quick ones rather than of long ones, or null. */
async function firstFailure({ clause, overrides, foundBy }: Mutant): Promise<string | null> {
  const found = new AbortController();
  let failure: string | null = null;
  const onProgress = ({ id, status }: { id: string; status: string }): void => {
    if (status !== 'failed') return;
    failure ??= id;
    found.abort();
  };
  const ofClause = quickFirst.filter((one) => one.clause === clause);
  const known = ofClause.filter(({ id }) => id === foundBy);
  const cases = [...known, ...ofClause.filter(({ id }) => id !== foundBy)];
  await verify(simpleProvider(overrides), { cases, signal: found.signal, onProgress }).catch(
    (error: unknown) => {
      if (failure === null) throw error;
    },
  );
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
    test.each(mutants)('%s', async (_, mutant) => {
      expect(await firstFailure(mutant)).not.toBeNull();
    });
  });
}

import { describe, test } from 'vitest';
import { allCases } from '../all-cases.ts';
import { conformance } from '../conformance.ts';
import { simpleProvider } from './simple-backend.ts';

/** Cases that take seconds where each element is computed by itself. */
const LONG = /ahead|many-|across-tiles|thousands|65536|scattered|passage/;

/** Defines the tests that the backend that mutants are made of is correct: of every third case (`release`), or of the others. */
export async function testSimpleBackend(part: 'release' | 'whole'): Promise<void> {
  const places = new Map<string, number>();
  const cases = (await allCases()).filter(({ id, clause }) => {
    if (LONG.test(id)) return part === 'whole';
    const place = places.get(clause) ?? 0;
    places.set(clause, place + 1);
    return (place % 3 === 0) === (part === 'release');
  });
  await conformance(simpleProvider(), { describe, test }, { cases });
}

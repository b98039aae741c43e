import { allCases } from '@heed/conformance';
import { suiteInWays } from '@heed/testing';
import { COMBINATIONS, nameOf, providerOf } from './combinations.ts';

const cases = await allCases();

/** Defines the tests of a part of the suite: `test` has the first combination, and every fifth case of the others. */
export function suite(part: 'test' | 'release'): Promise<void> {
  return suiteInWays(
    COMBINATIONS.map((options) => ({
      name: nameOf(options),
      provider: providerOf(options),
      cases: cases.filter((_, n) => (options === COMBINATIONS[0] || n % 5 === 0) === (part === 'test')),
    })),
  );
}

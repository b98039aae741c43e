import { allCases, conformance } from '@heed/conformance';
import { describe, test } from 'vitest';
import { COMBINATIONS, nameOf, providerOf } from './combinations.ts';

// The same objects for all combinations: each case keeps the results to compare with.
const cases = await allCases();

/** Defines the tests of a part of the suite: `test` has the first combination, and every fifth case of the others. */
export async function suite(part: 'test' | 'release'): Promise<void> {
  for (const options of COMBINATIONS) {
    const isQuick = (n: number): boolean => options === COMBINATIONS[0] || n % 5 === 0;
    const chosen = cases.filter((_, n) => isQuick(n) === (part === 'test'));
    if (chosen.length === 0) continue;
    const runner = {
      describe(name: string, define: () => void): void {
        describe(`${nameOf(options)}: ${name}`, () => {
          define();
        });
      },
      test,
    };
    await conformance(providerOf(options), runner, { cases: chosen });
  }
}

import { allCases, conformance } from '@heed/conformance';
import { describe, test } from 'vitest';
import { COMBINATIONS, nameOf, providerOf } from './test/combinations.ts';

// For all combinations the same objects: what results are compared with is kept with the case.
const cases = await allCases();

for (const options of COMBINATIONS) {
  const runner = {
    describe(name: string, define: () => void): void {
      describe(`${nameOf(options)}: ${name}`, () => {
        define();
      });
    },
    test,
  };
  await conformance(providerOf(options), runner, { cases });
}

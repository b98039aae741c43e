import { allCases, conformance } from '@heed/conformance';
import { describe, test } from 'vitest';
import { OPTIONS, providerOf } from './test/provider-of.ts';
import { useSoftwareVulkan } from './test/software-vulkan.ts';

useSoftwareVulkan();

/**
 * A software adapter compiles for seconds: each head size that a property draws, and each combination of features, is a
 * pipeline of its own. The tests run the cases without these two, and some clauses with the other options; `test:whole`
 * runs everything.
 */
const isWhole = process.env['HEED_WHOLE'] === '1';
const SOME = new Set(['order', 'causal', 'softcap', 'gradient']);

// For all options the same objects: what results are compared with is kept with the case.
const cases = (await allCases()).filter(({ id }) => isWhole || !/^combination\/|\/property\//.test(id));
const some = cases.filter(({ clause }) => isWhole || SOME.has(clause));

for (const [name, options] of Object.entries(OPTIONS)) {
  const runner = {
    describe: (clause: string, define: () => void) => {
      describe(`${name}: ${clause}`, () => {
        define();
      });
    },
    test,
  };
  const isDefault = Object.keys(options).length === 0;
  await conformance(providerOf(options), runner, { cases: isDefault ? cases : some });
}

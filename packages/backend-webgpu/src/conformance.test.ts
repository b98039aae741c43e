import { allCases, conformance } from '@heed/conformance';
import { describe, test } from 'vitest';
import { OPTIONS, providerOf } from './test/provider-of.ts';
import { useSoftwareVulkan } from './test/software-vulkan.ts';

useSoftwareVulkan();

// For all options the same objects: what results are compared with is kept with the case.
const cases = await allCases();

for (const [name, options] of Object.entries(OPTIONS)) {
  const runner = {
    describe: (clause: string, define: () => void) => {
      describe(`${name}: ${clause}`, () => {
        define();
      });
    },
    test,
  };
  await conformance(providerOf(options), runner, { cases });
}

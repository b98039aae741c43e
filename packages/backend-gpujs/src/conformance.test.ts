import { allCases, conformance } from '@heed/conformance';
import { describe, test } from 'vitest';
import { providerOf } from './test/provider-of.ts';
import { useSoftwareVulkan } from './test/software-vulkan.ts';

useSoftwareVulkan();

// For all modes the same objects: what results are compared with is kept with the case.
const cases = await allCases();

for (const mode of ['cpu', 'webasm', 'webgpu'] as const) {
  const runner = {
    describe: (name: string, define: () => void) => {
      describe(`${mode}: ${name}`, () => {
        define();
      });
    },
    test,
  };
  await conformance(providerOf(mode), runner, { cases });
}

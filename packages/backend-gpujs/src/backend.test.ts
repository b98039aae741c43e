import { allCases, conformance } from '@heed/conformance';
import { describe, test } from 'vitest';
import { providerOf } from './test/provider-of.ts';
import { useSoftwareVulkan } from './test/software-vulkan.ts';

useSoftwareVulkan();

// Some cases take float64 for granted; this backend declares float32 alone.
const cases = (await allCases()).filter(({ id }) => !id.includes('/float64'));

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

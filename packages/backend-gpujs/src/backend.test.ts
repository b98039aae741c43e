import { allCases, conformance } from '@heed/conformance';
import { describe, test } from 'vitest';
import { providerOf, takesFloat32 } from './test/provider-of.ts';
import { useSoftwareVulkan } from './test/software-vulkan.ts';

useSoftwareVulkan();

const cases = (await allCases()).filter(takesFloat32);

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

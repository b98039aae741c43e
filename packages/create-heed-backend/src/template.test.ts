import { conformance, fuzz } from '@heed/conformance';
import type { BackendProvider } from '@heed/core';
import { describe, expect, test } from 'vitest';

// Imported by URL: whoever starts from the template compiles it, not this package.
const template = new URL('../template/src/index.ts', import.meta.url).href;
const { default: provider } = (await import(template)) as { default: BackendProvider };

// The template that everybody starts from must conform.
await conformance(provider, { describe, test });

test('random problems of what it declares agree with the reference', async () => {
  const { disagreement, problems } = await fuzz(provider, { seconds: 0.5, seed: 1 });
  expect(disagreement).toBeNull();
  expect(problems).toBeGreaterThan(0);
});

import { conformance } from '@heed/conformance';
import type { BackendProvider } from '@heed/core';
import { describe, test } from 'vitest';

// By its place: it is compiled by whoever starts from it, not with this package.
const template = new URL('../template/src/index.ts', import.meta.url).href;
const { default: provider } = (await import(template)) as { default: BackendProvider };

// What everybody starts from must be right.
await conformance(provider, { describe, test });

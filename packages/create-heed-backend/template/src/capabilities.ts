import type { Capabilities } from '@heed/core';

/** Declared features must pass the suite; `defineBackend` refuses all others. */
export const CAPABILITIES: Capabilities = {
  dtypes: ['float32'],
  features: [],
  guarantees: ['repeat', 'batch'],
};

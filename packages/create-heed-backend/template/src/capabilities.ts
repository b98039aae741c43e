import type { Capabilities } from '@heed/core';

/** What is declared must pass; what is not declared is refused, by `defineBackend`. */
export const CAPABILITIES: Capabilities = {
  dtypes: ['float32'],
  features: [],
  guarantees: ['repeat', 'batch'],
};

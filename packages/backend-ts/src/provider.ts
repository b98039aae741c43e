import { type BackendProvider, CONTRACT_VERSION } from '@heed/core';
import { createBackend } from './backend.ts';
import { checkTsOptions } from './options.ts';

/** `@heed/backend-ts`. */
export const provider: BackendProvider<void> = {
  contract: CONTRACT_VERSION,
  name: 'ts',
  probe: async () => ({ available: true }),
  async create(options: unknown = {}) {
    checkTsOptions(options);
    return createBackend();
  },
};

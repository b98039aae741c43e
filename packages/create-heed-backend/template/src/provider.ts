import { type BackendProvider, CONTRACT_VERSION } from '@heed/core';
import { createBackend } from './backend.ts';
import { checkBackendOptions } from './options.ts';

export const provider: BackendProvider<void> = {
  contract: CONTRACT_VERSION,
  name: 'three-loops',

  // Where the engine cannot run: { available: false, reason, remedy }. Must not throw, nor take long.
  probe: async () => ({ available: true }),

  create: async (options: unknown = {}) => {
    checkBackendOptions(options);
    return createBackend();
  },
};

import { type BackendProvider, CONTRACT_VERSION } from '@heed/core';
import { createBackend } from './backend.ts';
import { checkBackendOptions } from './options.ts';

export const provider: BackendProvider<void> = {
  contract: CONTRACT_VERSION,
  name: 'three-loops',

  // If the engine cannot run here: { available: false, reason, remedy }. Must not throw or take long.
  probe: async () => ({ available: true }),

  create: async (options: unknown = {}) => {
    checkBackendOptions(options);
    return createBackend();
  },
};

import {
  type AttentionBackend,
  type Availability,
  type BackendProvider,
  CONTRACT_VERSION,
  HeedError,
} from '@heed/core';
import { createBackend } from './backend.ts';
import { type WebgpuOptions, checkWebgpuOptions } from './options.ts';
import { findAdapter, openEngine } from './platform/engine.ts';

/** `@heed/backend-webgpu`. */
export const provider: BackendProvider<WebgpuOptions> = {
  contract: CONTRACT_VERSION,
  name: 'webgpu',
  async probe(): Promise<Availability> {
    try {
      await findAdapter();
      return { available: true };
    } catch (error) {
      const { reason, remedy } = HeedError.isInstance(error)
        ? error
        : { reason: String(error), remedy: undefined };
      // Those who report it name the backend.
      const own = reason.replace(/^webgpu: /, '');
      return { available: false, reason: own, remedy: remedy ?? 'use another backend' };
    }
  },
  async create(options: WebgpuOptions = {}): Promise<AttentionBackend> {
    checkWebgpuOptions(options);
    return createBackend(await openEngine(options));
  },
};

import {
  type AttentionBackend,
  type Availability,
  type BackendProvider,
  CONTRACT_VERSION,
  HeedError,
} from '@heed/core';
import { createBackend } from './backend.ts';
import { type GpujsOptions, checkGpujsOptions } from './options.ts';
import { openEngine } from './platform/open.ts';

/** `@heed/backend-gpujs`. */
export const provider: BackendProvider<GpujsOptions> = {
  contract: CONTRACT_VERSION,
  name: 'gpujs',
  probe: availability,
  async create(options: GpujsOptions = {}): Promise<AttentionBackend> {
    checkGpujsOptions(options);
    return createBackend(await openEngine(options));
  },
};

/**
 * Returns whether gpu.js is installed and computes. The modes without a GPU open immediately, and work unless a content
 * security policy forbids them; only then does it look for a GPU, as `create` does.
 */
async function availability(): Promise<Availability> {
  try {
    const withoutGpu = openEngine({ mode: 'webasm', fallback: true });
    const { engine } = await withoutGpu.catch(() => openEngine({}));
    await engine.dispose();
    return { available: true };
  } catch (error) {
    const { reason, remedy } = HeedError.isInstance(error)
      ? error
      : { reason: String(error), remedy: undefined };
    return { available: false, reason, remedy: remedy ?? 'npm install gpu.js' };
  }
}

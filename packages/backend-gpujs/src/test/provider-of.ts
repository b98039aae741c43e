import { type Availability, type BackendProvider, HeedError, withOptions } from '@heed/core';
import gpujs, { type GpujsOptions, type Mode } from '../index.ts';

/** The provider in one mode, available if that mode is. */
export function providerOf(mode: Mode): BackendProvider<GpujsOptions> {
  const provider = withOptions(gpujs, { mode });
  return {
    ...provider,
    async probe(): Promise<Availability> {
      try {
        await (await provider.create()).dispose();
        return { available: true };
      } catch (error) {
        if (!HeedError.isInstance(error)) throw error;
        return { available: false, reason: error.reason, remedy: error.remedy ?? 'none' };
      }
    },
  };
}

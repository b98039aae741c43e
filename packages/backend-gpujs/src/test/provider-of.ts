import { type Availability, type BackendProvider, HeedError } from '@heed/core';
import gpujs, { type Mode } from '../index.ts';

/** The provider in one mode, available where that mode is. */
export function providerOf(mode: Mode): BackendProvider {
  const create = (): ReturnType<typeof gpujs.create> => gpujs.create({ mode });
  return {
    ...gpujs,
    create,
    async probe(): Promise<Availability> {
      try {
        await (await create()).dispose();
        return { available: true };
      } catch (error) {
        if (!HeedError.isInstance(error)) throw error;
        return { available: false, reason: error.message, remedy: error.remedy ?? 'none' };
      }
    },
  };
}

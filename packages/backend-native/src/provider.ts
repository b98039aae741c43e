import {
  type AttentionBackend,
  type Availability,
  type BackendProvider,
  CONTRACT_VERSION,
  HeedError,
} from '@heed/core';
import { createBackend } from './backend.ts';
import { type NativeOptions, checkNativeOptions, defaultThreads } from './options.ts';
import { type Loaded, loadBinding } from './platform/load.ts';

/** `@heed/backend-native`. */
export const provider: BackendProvider<NativeOptions> = {
  contract: CONTRACT_VERSION,
  name: 'native',
  probe: async () => availabilityOf(loadBinding()),
  async create(options: NativeOptions = {}): Promise<AttentionBackend> {
    checkNativeOptions(options);
    const loaded = loadBinding();
    if ('reason' in loaded) throw unavailable(loaded.reason, loaded.remedy);
    const { binding } = loaded;
    const levels = binding.levels();
    const at = options.level === undefined ? 0 : levels.findIndex(({ option }) => option === options.level);
    const level = levels[at];
    if (level === undefined) {
      const others = levels.map(({ option }) => option).join(', ');
      throw unavailable(`this machine cannot run the level ${options.level}`, `use one of ${others}`);
    }
    const threads = options.threads ?? defaultThreads();
    const device = `native ${level.name}, ${threads === 1 ? '1 thread' : `${threads} threads`}`;
    return createBackend(binding, binding.createTeam(at, threads), device);
  },
};

function availabilityOf(loaded: Loaded): Availability {
  return 'reason' in loaded ? { available: false, ...loaded } : { available: true };
}

function unavailable(reason: string, remedy: string): HeedError {
  return new HeedError('UNAVAILABLE', `native: ${reason}`, { remedy });
}

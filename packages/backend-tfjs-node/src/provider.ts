import { type BackendProvider, CONTRACT_VERSION, HeedError } from '@heed/core';
import { type TfjsNodeBackend, createBackend } from './backend.ts';
import { checkTfjsNodeOptions } from './options.ts';
import type { TileLimits } from './plan/tiles.ts';
import { type Absence, type Engine, type ImportEngine, loadEngine } from './platform/engine.ts';

/** The provider whose backends are {@link TfjsNodeBackend}s. It takes no options. */
export interface TfjsNodeProvider extends BackendProvider<void> {
  create(): Promise<TfjsNodeBackend>;
}

/** Parts that tests may replace. */
export interface Internals {
  /** Imports the engine; by default from where this package is installed. */
  readonly load?: ImportEngine;
  readonly limits?: TileLimits;
}

export function tfjsNodeProvider({ load, limits }: Internals = {}): TfjsNodeProvider {
  return {
    contract: CONTRACT_VERSION,
    name: 'tfjs-node',
    async probe() {
      const engine = await loadEngine(load);
      return isAbsent(engine) ? engine : { available: true };
    },
    async create(options: unknown = {}) {
      checkTfjsNodeOptions(options);
      const engine = await loadEngine(load);
      if (!isAbsent(engine)) return createBackend(engine, limits);
      throw new HeedError('UNAVAILABLE', `tfjs-node: ${engine.reason}`, { remedy: engine.remedy });
    },
  };
}

function isAbsent(engine: Engine | Absence): engine is Absence {
  return 'available' in engine;
}

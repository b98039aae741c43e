import { HeedError } from '@heed/core';
import { loadLibrary } from './gpu-library.ts';
import type { GpujsOptions } from '../options.ts';
import type { Engine } from './engine.ts';
import { MODES, type Mode, openMode } from './modes.ts';

/** An engine and its description. */
export interface Opened {
  readonly engine: Engine;
  /** The mode that actually runs, and the requested one if it differs. */
  readonly device: string;
}

/**
 * Opens the requested mode, or the best one that works.
 *
 * @throws HeedError `UNAVAILABLE`.
 */
export async function openEngine({ mode, fallback = false, threads = 1 }: GpujsOptions): Promise<Opened> {
  const library = await loadLibrary();
  const candidates = mode === undefined ? MODES : fallback ? MODES.slice(MODES.indexOf(mode)) : [mode];
  const failures = new Map<Mode, HeedError>();
  for (const candidate of candidates) {
    try {
      const engine = await openMode(candidate, library, threads);
      if (engine.software && candidate !== mode) {
        await engine.dispose();
        continue;
      }
      const failure = mode && failures.get(mode);
      const instead = failure ? ` (not ${mode}: ${failure.reason})` : '';
      return { engine, device: engine.device + instead };
    } catch (error) {
      if (!HeedError.isInstance(error) || error.code !== 'UNAVAILABLE') throw error;
      failures.set(candidate, error);
    }
  }
  const [first] = failures.values();
  if (failures.size === 1) throw first!;
  throw new HeedError(
    'UNAVAILABLE',
    `no mode of gpu.js works: ${[...failures.values()].map(({ reason }) => reason).join('; ')}`,
    // Obstacles to the modes without a GPU are easier to remove.
    { remedy: (failures.get('webasm') ?? first)?.remedy ?? 'use another backend' },
  );
}

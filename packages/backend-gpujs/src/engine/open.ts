import { HeedError } from '@heed/core';
import { loadLibrary } from '../library/gpu-library.ts';
import type { GpujsOptions } from '../options.ts';
import type { Engine } from './engine.ts';
import { MODES, openMode } from './modes.ts';

/** An engine, and what to say of it. */
export interface Opened {
  readonly engine: Engine;
  /** What really runs, and what was asked for where that is something else. */
  readonly device: string;
}

/**
 * Opens the mode that was asked for, or the best one that works.
 *
 * @throws HeedError `UNAVAILABLE`.
 */
export async function openEngine({ mode, fallback = false, threads = 1 }: GpujsOptions): Promise<Opened> {
  const library = await loadLibrary();
  const candidates = mode === undefined ? MODES : fallback ? MODES.slice(MODES.indexOf(mode)) : [mode];
  const failures: HeedError[] = [];
  for (const candidate of candidates) {
    try {
      const engine = await openMode(candidate, library, threads);
      if (engine.software && candidate !== mode) {
        await engine.dispose();
        continue;
      }
      const instead =
        failures.length > 0 && mode !== undefined ? ` (not ${mode}: ${failures[0]!.message})` : '';
      return { engine, device: engine.device + instead };
    } catch (error) {
      if (!HeedError.isInstance(error) || error.code !== 'UNAVAILABLE') throw error;
      failures.push(error);
    }
  }
  if (failures.length === 1) throw failures[0]!;
  throw new HeedError(
    'UNAVAILABLE',
    `no mode of gpu.js works: ${failures.map(({ message }) => message).join('; ')}`,
    { remedy: failures[0]?.remedy ?? 'use another backend' },
  );
}

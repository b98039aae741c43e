import { HeedError } from '@heed/core';
import { shown } from '@heed/core/backend';

/** A sound of one channel. */
export interface Sound {
  /** Samples, −1…1. */
  readonly samples: Float32Array;
  /** Samples per second. */
  readonly sampleRate: number;
}

/** @throws HeedError `ARGUMENT` for what is not a sound. */
export function checkSound(given: unknown): asserts given is Sound {
  const { samples, sampleRate } = (given ?? {}) as Partial<Sound>;
  const found = !(samples instanceof Float32Array)
    ? `samples are ${shown(samples)}; expected a Float32Array`
    : !(typeof sampleRate === 'number' && sampleRate >= 1 && Number.isFinite(sampleRate))
      ? `sampleRate is ${shown(sampleRate)}; expected a number ≥ 1`
      : samples.every(Number.isFinite)
        ? null
        : 'samples have a number that is not finite; expected −1…1';
  if (found === null) return;
  throw new HeedError('ARGUMENT', `sound: ${found}`, {
    clause: 'models.sound',
    remedy: 'give { samples, sampleRate }, such as readWav() returns',
  });
}

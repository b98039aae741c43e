import { setTimeout as wait } from 'node:timers/promises';

/** Time between two attempts, in milliseconds. */
const ATTEMPTS_APART = 100;

/** Rules for repeating a step. */
export interface Persistence {
  /** Time in milliseconds after which the last error stands. */
  readonly patience: number;
  /** Time in milliseconds that an attempt takes at most: beyond it, this process itself was paused. */
  readonly longest: number;
  /** Returns true for errors that another attempt does not change. */
  readonly isFinal: (error: unknown) => boolean;
}

/**
 * Repeats a step that may be repeated, until it succeeds or the patience ends. An attempt in which this
 * process was paused, by a debugger or a machine that slept, does not count.
 *
 * @throws the last error.
 */
export async function persist<T>(
  step: () => Promise<T>,
  { patience, longest, isFinal }: Persistence,
): Promise<T> {
  let left = patience;
  for (;;) {
    const started = Date.now();
    try {
      return await step();
    } catch (error) {
      const spent = Date.now() - started;
      left -= spent > longest ? 0 : spent;
      if (isFinal(error) || left < 0) throw error;
      await wait(ATTEMPTS_APART);
      left -= ATTEMPTS_APART;
    }
  }
}

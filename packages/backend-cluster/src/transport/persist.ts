import { setTimeout as wait } from 'node:timers/promises';

/** Time between two attempts, in milliseconds. */
const ATTEMPTS_APART = 100;

/** Time in milliseconds that a tick stands for. */
const TICK = 100;

/** Rules for repeating a step. */
export interface Persistence {
  /** Time in milliseconds after which the last error stands. */
  readonly patience: number;
  /** Returns true for errors that another attempt does not change. */
  readonly isFinal: (error: unknown) => boolean;
}

/**
 * Repeats a step that may be repeated, until it succeeds or the patience ends. Time in which this process was
 * paused, by a debugger or a machine that slept, does not count: ticks are missed then.
 *
 * @throws the last error.
 */
export async function persist<T>(step: () => Promise<T>, { patience, isFinal }: Persistence): Promise<T> {
  let left = patience;
  const clock = setInterval(() => (left -= TICK), TICK);
  try {
    for (;;) {
      try {
        return await step();
      } catch (error) {
        if (isFinal(error) || left < 0) throw error;
        await wait(ATTEMPTS_APART);
      }
    }
  } finally {
    clearInterval(clock);
  }
}

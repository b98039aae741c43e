import { HeedError } from '../error.ts';

/** The time in which an object may be used: its end waits for uses in progress, and refuses later ones. */
export interface Lifetime {
  /** @throws HeedError `DISPOSED` after the end. */
  check(): void;
  /** @throws HeedError `DISPOSED` after the end. */
  during<T>(work: () => Promise<T>): Promise<T>;
  end(cleanUp: () => Promise<void>): Promise<void>;
}

/** @param name in the error: `kernel of wasm`. */
export function lifetime(name: string): Lifetime {
  let underWay = 0;
  let lastUseOver = (): void => {};
  let ended: Promise<void> | null = null;
  const check = (): void => {
    if (ended === null) return;
    throw new HeedError('DISPOSED', `the ${name} was used after dispose()`, {
      clause: 'life',
      remedy: 'dispose it when nothing uses it any more, or make another',
    });
  };
  return {
    check,
    async during(work) {
      check();
      underWay++;
      try {
        return await work();
      } finally {
        if (--underWay === 0) lastUseOver();
      }
    },
    end(cleanUp) {
      ended ??= new Promise<void>((resolve) => {
        if (underWay === 0) resolve();
        else lastUseOver = resolve;
      }).then(cleanUp);
      return ended;
    },
  };
}

/**
 * Does steps one after another, also those after one that fails: an end that stops half-way leaves threads and memory behind.
 *
 * @throws what the first of them threw.
 */
export async function doAll(steps: readonly (() => unknown)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

import { HeedError, type HeedErrorJSON } from '@heed/core';
import { wrap } from 'comlink';
import type { Outcome } from './question.ts';
import type { Engine } from './worker.ts';

/** A separate worker, and the function that ends it. */
export interface Client {
  /** Name that no other client has. */
  readonly name: string;
  /** Functions of the worker. Those under way when it is lost have the error as their outcome. */
  readonly engine: Engine;
  /** Resolves when the worker has ended by itself, or cannot start. */
  readonly lost: Promise<HeedErrorJSON>;
  end(): void;
}

/** Clause of the error of a worker that is lost. */
export const LOST = 'playground.worker';

/** Seconds after which a worker that does not answer is taken for lost: time to load its script on a slow line. */
const START = 60;

export function startEngine(): Client {
  const name = `heed-${crypto.randomUUID()}`;
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module', name });
  const ended = new AbortController();
  const remote = wrap<Engine>(worker) as unknown as Engine;
  const lost = lossOf(worker, remote, ended.signal);
  const outcome = lost.then((error): Outcome<never> => ({ ok: false, error }));
  const engine = new Proxy(remote, {
    get: (_, called: keyof Engine) => {
      const call = remote[called] as (...given: unknown[]) => Promise<Outcome<unknown>>;
      return (...given: unknown[]) => Promise.race([call(...given), outcome]);
    },
  });
  return {
    name,
    engine,
    lost,
    end() {
      ended.abort();
      worker.terminate();
    },
  };
}

/**
 * Resolves when a worker is lost. No event tells that: its script may not load, and then there is one; but a worker that
 * closes itself, or that the browser ends when memory runs out, is silent. So the worker holds a lock while it lives, and must
 * answer that it does.
 */
function lossOf(worker: Worker, remote: Engine, signal: AbortSignal): Promise<HeedErrorJSON> {
  return new Promise((resolve) => {
    const lose = (reason: string): void => {
      const remedy = 'start it again';
      resolve(
        new HeedError('ENGINE', `the worker that computes ${reason}`, { clause: LOST, remedy }).toJSON(),
      );
    };
    const fail = (): void => lose('could not start');
    worker.addEventListener('error', fail, { once: true });
    const late = setTimeout(() => lose(`did not start within ${START} seconds`), START * 1000);
    signal.addEventListener('abort', () => clearTimeout(late));
    void (async () => {
      const lock = await remote.holdLock();
      clearTimeout(late);
      // Later errors are those of a backend, which the worker survives.
      worker.removeEventListener('error', fail);
      if (!lock.ok) return;
      try {
        await navigator.locks.request(lock.value, { signal }, () => lose('has ended'));
      } catch {
        // The page has ended the worker itself.
      }
    })();
  });
}

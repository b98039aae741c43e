import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { Coverage, Trial, Verdict, WorkerOptions } from './worker.ts';

// Of the built package, also where this file is run from its source.
const WORKER = new URL('../dist/worker.js', import.meta.url);

/** How long one mutant may take: far more than the whole suite does. */
const PATIENCE_MS = 600_000;

/** A worker that runs the suite on the instrumented backend; a new one takes over when it had to be ended. */
export class Laboratory {
  readonly #options: WorkerOptions;
  #worker: Worker | null = null;

  constructor(options: WorkerOptions) {
    this.#options = options;
  }

  coverage(): Promise<Coverage> {
    return this.#ask('coverage', Infinity) as Promise<Coverage>;
  }

  /** What kills the mutant, or null. */
  async verdict(trial: Trial): Promise<Verdict> {
    try {
      return (await this.#ask(trial, PATIENCE_MS)) as Verdict;
    } catch (error) {
      await this.close();
      return { id: 'none', message: (error as Error).message };
    }
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
    this.#worker = null;
  }

  #ask(question: Trial | 'coverage', patienceMs: number): Promise<unknown> {
    this.#worker ??= new Worker(WORKER, { workerData: this.#options });
    const worker = this.#worker;
    const settled = new AbortController();
    const { signal } = settled;
    const answers = [
      once(worker, 'message', { signal }).then(([answer]) => answer as unknown),
      once(worker, 'exit', { signal }).then(([code]) => Promise.reject(new Error(`ended with ${code}`))),
      ...(patienceMs < Infinity
        ? [delay(patienceMs, null, { signal }).then(() => Promise.reject(new Error('does not end')))]
        : []),
    ];
    worker.postMessage(question);
    return Promise.race(answers).finally(() => {
      settled.abort();
      return Promise.allSettled(answers);
    });
  }
}

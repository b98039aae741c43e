import { Worker } from 'node:worker_threads';
import { BEGINS } from './signal.ts';
import type { Coverage, Trial, Verdict, WorkerOptions } from './worker.ts';

// The worker of the built package, even if this file runs from its source.
const WORKER = new URL('../dist/worker.js', import.meta.url);

/** Time limit of one case: far more than any takes. A mutant may cause an endless loop outside its own code. */
const PATIENCE_MS = 30_000;

/** A worker that runs the suite on the instrumented backend; a new one replaces it after it had to be stopped. */
export class Laboratory {
  readonly #options: WorkerOptions;
  #worker: Worker | null = null;

  constructor(options: WorkerOptions) {
    this.#options = options;
  }

  coverage(): Promise<Coverage> {
    return this.#ask('coverage') as Promise<Coverage>;
  }

  /** Returns what kills the mutant, or null. */
  async verdict(trial: Trial): Promise<Verdict> {
    try {
      return (await this.#ask(trial)) as Verdict;
    } catch (error) {
      await this.close();
      return { id: 'none', message: (error as Error).message };
    }
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
    this.#worker = null;
  }

  #ask(question: Trial | 'coverage'): Promise<unknown> {
    this.#worker ??= new Worker(WORKER, { workerData: this.#options });
    const worker = this.#worker;
    let timer: NodeJS.Timeout;
    return new Promise<unknown>((resolve, reject) => {
      timer = setTimeout(() => reject(new Error('does not end')), PATIENCE_MS);
      worker.on('message', (message) => (message === BEGINS ? timer.refresh() : resolve(message)));
      worker.once('error', reject);
      worker.once('exit', (code) => reject(new Error(`ended with ${code}`)));
      worker.postMessage(question);
    }).finally(() => {
      clearTimeout(timer);
      for (const name of ['message', 'error', 'exit']) worker.removeAllListeners(name);
    });
  }
}

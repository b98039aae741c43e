import { type Remote, wrap } from 'comlink';
import type { Engine } from './worker.ts';

/** A separate worker, and the function that ends it. */
export interface Client {
  readonly engine: Remote<Engine>;
  end(): void;
}

export function startEngine(): Client {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
  return { engine: wrap<Engine>(worker), end: () => worker.terminate() };
}

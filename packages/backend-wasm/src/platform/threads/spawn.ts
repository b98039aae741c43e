import type { WasmOptions } from '../../options.ts';
import { nodeModule } from '../node.ts';
import type { FromWorker, ToWorker } from './job.ts';
import { workerSource } from './worker-source.ts';

/** A worker, independent of the platform. */
export interface Worker {
  post(message: ToWorker): void;
  /** Sets whether the process stays alive for it. */
  hold(holds: boolean): void;
  end(): Promise<void>;
}

export interface WorkerEvents {
  message(message: FromWorker): void;
  /** It has ended, or has never begun. */
  death(reason: string): void;
}

/** Starts a worker. It does not keep the process alive unless it is held. */
export type Spawn = (events: WorkerEvents) => Worker;

/** Address of the worker's module. */
type Address = NonNullable<WasmOptions['worker']>;

/**
 * The way that this platform starts workers; undefined where there is none.
 *
 * @param address of the worker's module; by default its source is at hand.
 */
export function platformSpawn(address?: Address): Spawn | undefined {
  const threads = nodeModule('node:worker_threads');
  if (threads !== undefined) return (events) => spawnThread(threads, events, address);
  return typeof globalThis.Worker === 'function' ? (events) => spawnWebWorker(events, address) : undefined;
}

function hrefOf(address: Address): string {
  return typeof address === 'string' ? address : address.href;
}

const NODE_CHANNEL = `{
  post(message) { require('node:worker_threads').parentPort.postMessage(message); },
  listen(listener) { require('node:worker_threads').parentPort.on('message', listener); },
}`;

function spawnThread(
  { Worker: Thread }: typeof import('node:worker_threads'),
  events: WorkerEvents,
  address: Address | undefined,
): Worker {
  // Neither flags of the process, which may be for its main module only, nor its environment.
  const surroundings = { execArgv: [], env: {} };
  const thread =
    address === undefined
      ? new Thread(workerSource(NODE_CHANNEL), { eval: true, ...surroundings })
      : new Thread(new URL(hrefOf(address)), surroundings);
  thread.unref();
  thread.on('message', (message: FromWorker) => events.message(message));
  thread.on('error', (error: Error) => events.death(error.message));
  thread.on('exit', (code) => events.death(`exit code ${code}`));
  return {
    post: (message) => thread.postMessage(message, []),
    hold: (holds) => (holds ? thread.ref() : thread.unref()),
    end: async () => void (await thread.terminate()),
  };
}

const WEB_CHANNEL = `{
  post(message) { postMessage(message); },
  listen(listener) { onmessage = (event) => listener(event.data); },
}`;

function spawnWebWorker(events: WorkerEvents, address: Address | undefined): Worker {
  const url =
    address === undefined
      ? URL.createObjectURL(new Blob([workerSource(WEB_CHANNEL)], { type: 'text/javascript' }))
      : hrefOf(address);
  const worker = new globalThis.Worker(url, { type: address === undefined ? 'classic' : 'module' });
  const isLoaded = (): void => {
    if (address === undefined) URL.revokeObjectURL(url);
  };
  worker.addEventListener('message', ({ data }: MessageEvent<FromWorker>) => {
    isLoaded();
    events.message(data);
  });
  worker.addEventListener('error', ({ message }) => {
    isLoaded();
    events.death(message || 'it could not be loaded');
  });
  return {
    post: (message) => worker.postMessage(message, []),
    hold: () => undefined,
    end: async () => worker.terminate(),
  };
}

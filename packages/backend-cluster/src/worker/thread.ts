/** The computing thread of a worker, apart so that no kernel keeps the other thread from sending signs of life. */
import { parentPort, workerData } from 'node:worker_threads';
import {
  type AttentionBackend,
  type BackendProvider,
  HeedError,
  type HeedErrorJSON,
  checkContract,
} from '@heed/core';
import { textOf } from '@heed/core/backend';
import type { FromThread, ThreadData, ToThread } from './messages.ts';
import { PartCache } from './part-cache.ts';
import { perform } from './perform.ts';

const { backendURL, backendOptions, cacheBytes } = workerData as ThreadData;
const port = parentPort!;
const say = (message: FromThread): void => port.postMessage(message);

interface Fetching {
  resolve(bytes: Uint8Array): void;
  reject(error: unknown): void;
}

const fetching = new Map<string, Fetching[]>();
const underWay = new Map<number, AbortController>();
let fetched = 0;

function fetchBlob(name: string): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const waiting = fetching.get(name);
    if (waiting !== undefined) return void waiting.push({ resolve, reject });
    fetching.set(name, [{ resolve, reject }]);
    say({ what: 'fetch', name });
  });
}

function receive({ name, bytes, error }: Extract<ToThread, { what: 'blob' }>): void {
  const waiting = fetching.get(name) ?? [];
  fetching.delete(name);
  fetched += bytes?.length ?? 0;
  for (const { resolve, reject } of waiting) {
    if (bytes === undefined) reject(HeedError.fromJSON(error!));
    else resolve(bytes);
  }
}

async function start(): Promise<void> {
  const { default: provider } = (await import(backendURL)) as { readonly default: BackendProvider };
  checkContract(provider);
  const backend = await provider.create(backendOptions);
  const cache = new PartCache(backend, cacheBytes, fetchBlob);
  let last: Promise<unknown> = Promise.resolve();
  port.on('message', (message: ToThread) => {
    if (message.what === 'blob') receive(message);
    else if (message.what === 'abort') underWay.get(message.id)?.abort();
    else if (message.what === 'free') last = last.then(() => cache.free(message.tensor));
    else {
      underWay.set(message.id, new AbortController());
      last = last.then(() => work(backend, cache, message));
    }
  });
  const { contract, name, device, capabilities } = backend;
  say({ what: 'ready', contract, backend: name, device, capabilities });
}

async function work(
  backend: AttentionBackend,
  cache: PartCache,
  { id, task }: Extract<ToThread, { what: 'task' }>,
): Promise<void> {
  const { signal } = underWay.get(id)!;
  const before = fetched;
  try {
    signal.throwIfAborted();
    const { results, store, compute } = await perform(backend, cache, task, signal);
    say({ what: 'done', id, results, store, compute, fetched: fetched - before });
  } catch (error) {
    say({ what: 'done', id, error: asJSON(error), compute: 0, fetched: fetched - before });
  } finally {
    underWay.delete(id);
    cache.trim();
  }
}

function asJSON(error: unknown): HeedErrorJSON {
  if (HeedError.isInstance(error)) return error.toJSON();
  const isMemory = error instanceof RangeError && /array|allocat/i.test(error.message);
  return new HeedError(
    isMemory ? 'OUT_OF_MEMORY' : 'ENGINE',
    textOf((error as Error | null | undefined)?.message ?? error),
  ).toJSON();
}

start().catch((error: unknown) => say({ what: 'broken', error: asJSON(error) }));

import type { AttentionBackend, AttentionKernel } from './contract.ts';
import { keyOf } from './known-problems.ts';
import type { AttentionProblem } from './problem.ts';

/** Kernels kept for each backend. A kernel costs little; a loop over layers and lengths uses a few dozen. */
const CAPACITY = 64;

interface Entry {
  readonly kernel: Promise<AttentionKernel>;
  /** The kernel, once it is compiled: the work then begins within the call, in the order of calls. */
  ready: AttentionKernel | null;
  users: number;
  evicted: boolean;
}

const caches = new WeakMap<AttentionBackend, Map<string, Entry>>();

/**
 * Runs work with the backend's kernel for a problem. The kernel is kept for the next equal problem; beyond the
 * capacity the least recently used one is disposed, once no call uses it.
 */
export async function withKernel<T>(
  backend: AttentionBackend,
  problem: AttentionProblem,
  work: (kernel: AttentionKernel) => Promise<T>,
): Promise<T> {
  const cache = caches.get(backend) ?? new Map<string, Entry>();
  caches.set(backend, cache);
  const key = keyOf(problem);
  const entry = cache.get(key) ?? newEntry(backend, problem, cache, key);
  // A Map iterates in insertion order: deleting and inserting the entry makes it the most recent.
  cache.delete(key);
  cache.set(key, entry);
  entry.users++;
  evictOldest(cache);
  try {
    return await work(entry.ready ?? (await entry.kernel));
  } finally {
    entry.users--;
    disposeIfUnused(entry);
  }
}

/** Forgets a backend's kernels, which end with it: no later call may wait for one that is being compiled. */
export function forgetKernels(backend: AttentionBackend): void {
  caches.delete(backend);
}

/** Compiles a kernel. A failure is not kept: the next call tries again. */
function newEntry(
  backend: AttentionBackend,
  problem: AttentionProblem,
  cache: Map<string, Entry>,
  key: string,
): Entry {
  const entry: Entry = { kernel: backend.compile(problem), ready: null, users: 0, evicted: false };
  const forget = (): void => {
    // Another may have its place, if it was evicted meanwhile.
    if (cache.get(key) === entry) cache.delete(key);
  };
  entry.kernel.then((kernel) => (entry.ready = kernel), forget);
  return entry;
}

function evictOldest(cache: Map<string, Entry>): void {
  for (const [key, entry] of cache) {
    if (cache.size <= CAPACITY) return;
    cache.delete(key);
    entry.evicted = true;
    disposeIfUnused(entry);
  }
}

function disposeIfUnused(entry: Entry): void {
  if (!entry.evicted || entry.users > 0) return;
  // Nobody waits for it: an error would be unhandled, and end the process.
  entry.kernel.then((kernel) => kernel.dispose()).catch(() => undefined);
}

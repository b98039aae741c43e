import { totalmem } from 'node:os';
import { Worker } from 'node:worker_threads';

/** How often the memory is looked at. */
const EVERY_MS = 50;

/** Of a process that runs a backend, when nothing else is said: half of what this machine lets it have. */
export function standardMemoryBytes(): number {
  const constrained = process.constrainedMemory?.() || Infinity;
  return Math.min(totalmem(), constrained) / 2;
}

/**
 * Ends this process when it holds more memory than `limit`, with a word on standard error. A thread of its own looks,
 * because a backend that allocates without end lets no other code of its thread run.
 */
export function watchMemory(limit: number): void {
  const watcher = new Worker(WATCHER, { eval: true, workerData: { limit, everyMs: EVERY_MS } });
  watcher.unref();
}

const WATCHER = `
const { writeSync } = require('node:fs');
const { workerData: { limit, everyMs } } = require('node:worker_threads');
setInterval(() => {
  if (process.memoryUsage.rss() < limit) return;
  writeSync(2, 'MemoryError: more than ' + Math.round(limit / 1e6) + ' MB of memory\\n');
  process.kill(process.pid, 'SIGKILL');
}, everyMs);
`;

import { totalmem } from 'node:os';
import { Worker } from 'node:worker_threads';

/** Interval between checks of the memory. */
const EVERY_MS = 50;

/** Default memory limit of a process that runs a backend: half of what this machine allows it. */
export function standardMemoryBytes(): number {
  const constrained = process.constrainedMemory?.() || Infinity;
  return Math.min(totalmem(), constrained) / 2;
}

/**
 * Ends this process with a message on standard error if it holds more memory than `limit`. A separate thread checks,
 * because a backend that allocates endlessly blocks all other code of its thread.
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

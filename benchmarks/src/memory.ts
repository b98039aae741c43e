import { fork } from 'node:child_process';
import type { Refusal } from './entry.ts';
import type { Workload } from './workload.ts';

/** How much memory one run takes. All figures are bytes. */
export interface MemoryUse {
  readonly status: 'measured';
  readonly device: string;
  readonly inputBytes: number;
  readonly outputBytes: number;
  /** Resident set of the process with the inputs made and nothing prepared. */
  readonly beforeBytes: number;
  /** Largest resident set of the process in its life, read after the run. */
  readonly peakBytes: number;
  /** `peakBytes` − `beforeBytes` − `outputBytes`. What the process had free before, and used again, is no growth. */
  readonly growthBytes: number;
  /** Typed arrays made by preparing and running, the output apart, and not collected by the end of the run. */
  readonly arrayBytes: number;
}

/** What the child process sends when it is done. */
export type MemoryReport = MemoryUse | Refusal;

/**
 * Measures the memory of one run in a new process: its contestant first computes a small workload, so that code is
 * loaded and compiled; then the inputs are made; then it is prepared and runs once. What it copies of the inputs, or
 * keeps between calls, counts as growth.
 *
 * @param contestant a name that {@link contestantNamed} understands.
 * @param options.signal ends the process; the promise rejects with the signal's reason.
 */
export function memoryOf(
  contestant: string,
  workload: Workload,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<MemoryReport> {
  return new Promise((resolve, reject) => {
    const child = fork(
      new URL('./memory-child.js', import.meta.url),
      [contestant, JSON.stringify(workload)],
      {
        execArgv: ['--expose-gc'],
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
        ...(options.signal && { signal: options.signal }),
      },
    );
    child.once('message', (report) => resolve(report as MemoryReport));
    child.once('error', (error) => reject(options.signal?.aborted ? options.signal.reason : error));
    child.once('exit', (code, signal) => {
      const reason = `the process ended with ${signal ?? `exit code ${code}`} before it reported`;
      resolve({ status: 'failed', device: null, threads: null, reason });
    });
  });
}

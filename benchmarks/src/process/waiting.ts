import { readFileSync } from 'node:fs';

/**
 * Time that the main thread of a process was ready to run while others had the processors, in milliseconds since it
 * began: `run_delay` of Linux's scheduler statistics. 0 if the system does not tell.
 */
export function waitedMs(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[1]) / 1e6;
  } catch {
    return 0;
  }
}

import { readFileSync, writeFileSync } from 'node:fs';

/** How much memory a first run took, in bytes. */
export interface MemoryUse {
  /** Largest resident set of the process that computes, everything in it included. */
  readonly peakBytes: number;
  /** `peakBytes` less the resident set with the inputs made and nothing prepared, less the output. May be less than 0. */
  readonly growthBytes: number;
  readonly inputBytes: number;
  readonly outputBytes: number;
}

/** The resident set of a process in bytes; without `/proc`, and so for this process alone, as Node tells it. */
export function residentBytes(pid: number): number {
  return statusBytes(pid, 'VmRSS') ?? process.memoryUsage.rss();
}

/**
 * The largest resident set of a process since {@link resetPeak}. Without `/proc` since the process began, and for this
 * process alone. Not `resourceUsage()` where `/proc` is there: Linux counts the parent's memory until exec into it.
 */
export function peakBytes(pid: number): number {
  return statusBytes(pid, 'VmHWM') ?? process.resourceUsage().maxRSS * 1024;
}

/** Lets {@link peakBytes} begin anew, where the system can. */
export function resetPeak(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, '5');
  } catch {
    // Then the peak is that of the process's whole life: what came before counts if it was larger.
  }
}

function statusBytes(pid: number, field: string): number | null {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)![1]) * 1024;
  } catch {
    return null;
  }
}

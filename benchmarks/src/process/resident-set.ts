import { readFileSync, writeFileSync } from 'node:fs';

/** Memory of a first run, in bytes. */
export interface MemoryUse {
  /** Largest resident set of the process that computes, everything in it included. */
  readonly peakBytes: number;
  /** `peakBytes` less the resident set with the inputs made and nothing prepared, less the output. May be less than 0. */
  readonly growthBytes: number;
  readonly inputBytes: number;
  readonly outputBytes: number;
}

/** The resident set of a process in bytes; without `/proc`, Node's figure for this process only. */
export function residentBytes(pid: number): number {
  return statusBytes(pid, 'VmRSS') ?? process.memoryUsage.rss();
}

/**
 * The largest resident set of a process since {@link resetPeak}. Without `/proc`, since the process began and for this
 * process only. With `/proc`, `resourceUsage()` would be wrong: on Linux it includes the parent's memory until exec.
 */
export function peakBytes(pid: number): number {
  return statusBytes(pid, 'VmHWM') ?? process.resourceUsage().maxRSS * 1024;
}

/** Resets {@link peakBytes}, if the system can. */
export function resetPeak(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, '5');
  } catch {
    // Then the peak is that of the whole process: an earlier, larger one counts.
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

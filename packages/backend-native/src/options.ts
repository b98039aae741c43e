import { availableParallelism } from 'node:os';
import { HeedError } from '@heed/core';

/** Instruction sets that kernels are compiled for. */
export const LEVELS = ['avx512', 'avx2', 'neon', 'plain'] as const;
export type LevelName = (typeof LEVELS)[number];

const MAXIMUM_THREADS = 256;

/** Options of `create`. */
export interface NativeOptions {
  /** Threads that compute at a time, 1 to 256. Default: as many as the machine runs at the same time. */
  readonly threads?: number;
  /**
   * Instruction set of the kernels. Results of different levels differ in their last bits. Default: the best that the
   * machine has.
   */
  readonly level?: LevelName;
}

/** @throws HeedError `ARGUMENT`. */
export function checkOptions({ threads, level }: NativeOptions): void {
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1 && threads <= MAXIMUM_THREADS)) {
    throw new HeedError(
      'ARGUMENT',
      `threads: ${String(threads)} was given; expected an integer from 1 to ${MAXIMUM_THREADS}`,
    );
  }
  if (level !== undefined && !LEVELS.includes(level)) {
    throw new HeedError(
      'ARGUMENT',
      `level: ${String(level)} was given; expected one of ${LEVELS.join(', ')}`,
    );
  }
}

/** Threads that a backend has unless told otherwise. */
export function defaultThreads(): number {
  return Math.min(availableParallelism(), MAXIMUM_THREADS);
}

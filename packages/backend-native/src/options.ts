import { availableParallelism } from 'node:os';
import { checkOptions, integer, oneOf } from '@heed/core/backend';

/** Instruction sets that kernels are compiled for. */
const LEVELS = ['avx512', 'avx2', 'neon', 'plain'] as const;
type LevelName = (typeof LEVELS)[number];

const MAXIMUM_THREADS = 256;

/** Options of `create`. */
export interface NativeOptions {
  /** Number of threads that compute at a time, 1 to 256. Default: as many as the machine runs at the same time. */
  readonly threads?: number | undefined;
  /**
   * Instruction set of the kernels. Results of different levels differ in their last bits. Default: the best that the
   * machine has.
   */
  readonly level?: LevelName | undefined;
}

/** @throws HeedError `UNKNOWN_OPTION` or `ARGUMENT`. */
export function checkNativeOptions(options: NativeOptions): void {
  checkOptions('native.create()', options, {
    threads: integer(1, MAXIMUM_THREADS),
    level: oneOf(...LEVELS),
  });
}

/** Default number of threads of a backend. */
export function defaultThreads(): number {
  return Math.min(availableParallelism(), MAXIMUM_THREADS);
}

import { HeedError } from '@heed/core';

/** Each takes 8 MB and its turn at the start: thousands take minutes, and a million the process with them. */
export const MOST_THREADS = 256;

/** What `create` takes. */
export interface WasmOptions {
  /**
   * Threads that compute, at most 256. Default: as many as the machine runs at the same time; 1 where
   * memory cannot be shared between threads, as in a page that is not cross-origin isolated.
   */
  readonly threads?: number;
  /**
   * Whether kernels use relaxed SIMD, whose multiply-add is one instruction. `'auto'`: where the engine has it.
   * Results then differ in their last bits from those without it. Default `'auto'`.
   */
  readonly relaxedSimd?: 'auto' | false;
  /**
   * The address of `@heed/backend-wasm/worker`, which threads are then started from. Default: source inside of the
   * package, as `blob:` in a page, which a content security policy without `worker-src blob:` forbids.
   */
  readonly worker?: string | URL;
}

/** @throws HeedError `ARGUMENT`. */
export function checkOptions({ threads, relaxedSimd, worker }: WasmOptions): void {
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1 && threads <= MOST_THREADS)) {
    throw new HeedError(
      'ARGUMENT',
      `threads is ${String(threads)}, expected an integer from 1 to ${MOST_THREADS}`,
    );
  }
  if (relaxedSimd !== undefined && relaxedSimd !== 'auto' && relaxedSimd !== false) {
    throw new HeedError('ARGUMENT', `relaxedSimd is ${String(relaxedSimd)}, expected 'auto' or false`);
  }
  if (worker !== undefined && typeof worker !== 'string' && !(worker instanceof URL)) {
    throw new HeedError('ARGUMENT', `worker is ${String(worker)}, expected an address as a string or a URL`);
  }
}

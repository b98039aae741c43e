import { checkOptions, integer, oneOf } from '@heed/core/backend';

/** Each takes 8 MB and starts in turn: thousands take minutes, and a million crash the process. */
export const MAXIMUM_THREADS = 256;

/** Options of `create`. */
export interface WasmOptions {
  /**
   * Number of threads that compute, at most 256. Default: as many as the machine runs at the same time; 1 if
   * memory cannot be shared between threads, as in a page that is not cross-origin isolated.
   */
  readonly threads?: number | undefined;
  /**
   * Use of relaxed SIMD, whose multiply-add is one instruction. `'auto'`: if the engine has it. Results then differ in
   * their last bits from those without it. Default `'auto'`.
   */
  readonly relaxedSimd?: 'auto' | false | undefined;
  /**
   * Address of `@heed/backend-wasm/worker` that threads start from, a string or a `URL`. Default: source inside the
   * package, as `blob:` in a page, which a content security policy without `worker-src blob:` forbids. An address that
   * is something else is an error: at once, or after 30 seconds without an answer.
   */
  readonly worker?: string | { readonly href: string } | undefined;
}

/** @throws HeedError `UNKNOWN_OPTION` or `ARGUMENT`. */
export function checkWasmOptions(options: WasmOptions): void {
  checkOptions('wasm.create()', options, {
    threads: integer(1, MAXIMUM_THREADS),
    relaxedSimd: oneOf('auto', false),
    worker: {
      expected: 'an address as a string or a URL',
      accepts: (value) => typeof ((value as { href?: unknown } | null)?.href ?? value) === 'string',
    },
  });
}

import { checkOptions, flag, integer, oneOf } from '@heed/core/backend';
import { MODES, type Mode } from './platform/modes.ts';

/** What `create` takes. */
export interface GpujsOptions {
  /**
   * The mode of gpu.js. Default: the best that works here, in the order `webgpu`, `webgl2`, `webgl`, `headlessgl`,
   * `webasm`, `cpu`. A GPU that software imitates is passed over, since WebAssembly is faster.
   */
  readonly mode?: Mode;
  /** Whether a later mode in that order may take the place of one that does not work: `device` tells. Default false. */
  readonly fallback?: boolean;
  /**
   * Workers of mode `webasm`, which take launches of 4096 outputs or more. Default 1, which is none. Each program has
   * workers of its own, and they hold on to the memory of every new length until they happen to be collected: for
   * programs whose lengths are few.
   */
  readonly threads?: number;
}

/** @throws HeedError `UNKNOWN_OPTION` or `ARGUMENT`. */
export function checkGpujsOptions(options: GpujsOptions): void {
  checkOptions('gpujs.create()', options, { mode: oneOf(...MODES), fallback: flag, threads: integer(1) });
}

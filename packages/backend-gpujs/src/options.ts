import { checkOptions, flag, integer, oneOf } from '@heed/core/backend';
import { MODES, type Mode } from './platform/modes.ts';

/** Options of `create`. */
export interface GpujsOptions {
  /**
   * The mode of gpu.js. Default: the best that works here, in the order `webgpu`, `webgl2`, `webgl`, `headlessgl`,
   * `webasm`, `cpu`. A GPU that software emulates is skipped, since WebAssembly is faster.
   */
  readonly mode?: Mode | undefined;
  /** True to replace a mode that does not work by a later one in that order; `device` names it. Default false. */
  readonly fallback?: boolean | undefined;
  /**
   * Workers of mode `webasm`, for launches of 4096 outputs or more. Default 1: no workers. Each program has its own
   * workers, which keep the memory of every new length until they are collected, so use them in programs with few
   * lengths.
   */
  readonly threads?: number | undefined;
}

/** @throws HeedError `UNKNOWN_OPTION` or `ARGUMENT`. */
export function checkGpujsOptions(options: GpujsOptions): void {
  checkOptions('gpujs.create()', options, { mode: oneOf(...MODES), fallback: flag, threads: integer(1) });
}

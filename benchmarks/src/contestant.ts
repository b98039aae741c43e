import type { Availability, Tensor } from '@heed/core';
import type { Workload, WorkloadRequest } from './workload.ts';

/** Something that computes attention and can be timed: a Heed backend, or a peer through an adapter of a few lines. */
export interface Contestant {
  /** Such as `@heed/backend-ts` or `triple loop`; unique within a measurement. */
  readonly name: string;
  /** Whether it is installed and can run here. Never throws. */
  probe(): Promise<Availability>;
  /**
   * Gets everything ready that is not the computation: kernels, masks, copies of the inputs in its own memory.
   *
   * @throws HeedError `UNSUPPORTED` for a workload that it does not compute.
   */
  prepare(workload: Workload, request: WorkloadRequest): Promise<PreparedContestant>;
}

/** A contestant with a workload before it. */
export interface PreparedContestant {
  /** What really runs: `JavaScript float64 tiles, one thread`. */
  readonly device: string;
  /** Threads that compute; null when the contestant does not say, other than in `device`. */
  readonly threads: number | null;
  /** One computation, from inputs to an output `[B, Hq, Lq, Dv]` on the JavaScript heap. This is what is timed. */
  run(): Promise<Tensor>;
  dispose(): Promise<void>;
}

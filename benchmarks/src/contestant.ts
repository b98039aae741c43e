import type { Availability, Tensor } from '@heed/core';
import type { WorkloadRequest } from './workload/request.ts';
import type { Workload } from './workload/workload.ts';

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
  prepare(workload: Workload, request: WorkloadRequest, settings: Settings): Promise<PreparedContestant>;
  /** The process that computes, when it is not the one that prepares. Known once something was prepared. */
  processId?(): number;
}

/** What the measurement asks of every contestant. */
export interface Settings {
  /** Threads to compute with. One that cannot have so many takes what it can, and says so. */
  readonly threads: number;
}

/** A contestant with a workload before it. */
export interface PreparedContestant {
  /** What really runs: `JavaScript float64 tiles, one thread`. */
  readonly device: string;
  /** Threads that compute; null when the contestant does not say, other than in `device`. */
  readonly threads: number | null;
  /** One computation, until the output can be read by this process or by the one that computes. This is timed. */
  run(): Promise<void>;
  /** What the last run computed. Not timed. */
  results(): Promise<WorkloadResults>;
  /**
   * Times runs itself, again and again for about so many milliseconds, once at least: for a contestant in another
   * process. The time of each run, in milliseconds. Default: {@link PreparedContestant.run} is timed from outside.
   */
  turn?(milliseconds: number): Promise<readonly number[]>;
  dispose(): Promise<void>;
}

/** What a workload comes to, in layout `bhld`. */
export interface WorkloadResults {
  /** `[B, Hq, Lq, Dv]`. */
  readonly output: Tensor;
  /** The gradients, of a workload that asks for them; each has the shape of its input. */
  readonly dQuery?: Tensor;
  readonly dKey?: Tensor;
  readonly dValue?: Tensor;
}

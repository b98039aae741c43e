import type { Availability, Tensor } from '@heed/core';
import type { WorkloadRequest } from './workload/request.ts';
import type { Workload } from './workload/workload.ts';

/** Something that computes attention and can be timed: a Heed backend, or a peer through an adapter of a few lines. */
export interface Contestant {
  /** Name such as `@heed/backend-ts` or `triple loop`; unique within a measurement. */
  readonly name: string;
  /** Returns whether it is installed and can run here. Never throws. */
  probe(): Promise<Availability>;
  /**
   * Gets everything ready that is not the computation: kernels, masks, copies of the inputs in its own memory.
   *
   * @throws HeedError `UNSUPPORTED` for a workload that it does not compute.
   */
  prepare(workload: Workload, request: WorkloadRequest, settings: Settings): Promise<PreparedContestant>;
  /** Id of the process that computes, if it is not the one that prepares. Known once something was prepared. */
  processId?(): number;
}

/** Settings of the measurement, the same for every contestant. */
export interface Settings {
  /** Threads to compute with. A contestant that cannot use as many uses fewer, and says so. */
  readonly threads: number;
}

/** A contestant with a workload before it. */
export interface PreparedContestant {
  /** Description of what really runs: `JavaScript float64 tiles, one thread`. */
  readonly device: string;
  /** Number of threads that compute; null if the contestant reports it in `device` only, or not at all. */
  readonly threads: number | null;
  /** Runs one computation, until this process or the one that computes can read the output. This is timed. */
  run(): Promise<void>;
  /** Returns the results of the last run. Not timed. */
  results(): Promise<WorkloadResults>;
  /**
   * Times runs itself, repeatedly for about so many milliseconds, at least once: for a contestant in another process.
   * Returns the time of each run, in milliseconds. Default: {@link PreparedContestant.run} is timed from outside.
   */
  turn?(milliseconds: number): Promise<readonly number[]>;
  dispose(): Promise<void>;
}

/** Results of a workload, in layout `bhld`. */
export interface WorkloadResults {
  /** `[B, Hq, Lq, Dv]`. */
  readonly output: Tensor;
  /** The gradients, if the workload asks for them; each has the shape of its input. */
  readonly dQuery?: Tensor;
  readonly dKey?: Tensor;
  readonly dValue?: Tensor;
}

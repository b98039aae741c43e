import type { Phase } from '../../plan/plan.ts';

/** A module that threads make instances of. */
export interface TeamModule {
  /** Unique in its team. */
  readonly id: number;
  readonly module: WebAssembly.Module;
  /** The instance of the thread that gives out the jobs. */
  readonly instance: WebAssembly.Instance;
}

/** Work for a team. */
export interface Job {
  readonly module: TeamModule;
  /** Each begins when all tasks of the one before are finished. */
  readonly phases: readonly Phase[];
  readonly frame: number;
  /** The address of the scratch of thread 0, and bytes from one thread's to the next. */
  readonly scratch: number;
  readonly scratchStride: number;
}

export type TaskFunction = (task: number, frame: number, scratch: number) => void;

/** Message to a worker. */
export type ToWorker =
  | { readonly memory: WebAssembly.Memory; readonly words: Int32Array; readonly inside: number }
  | JobMessage
  | { readonly forget: number };

export interface JobMessage {
  readonly number: number;
  readonly id: number;
  /** Module, the first time only. */
  readonly module?: WebAssembly.Module;
  readonly phases: readonly Phase[];
  readonly frame: number;
  readonly scratch: number;
  /** True if the worker must report that it has left the job, to a thread that may not wait. */
  readonly reports: boolean;
}

/** Message from a worker: after its start, about a task that threw, and when it has left a job. */
export type FromWorker =
  | { readonly ready: true }
  | { readonly error: string; readonly number: number }
  | { readonly left: number };

export function totalTasks(phases: readonly Phase[]): number {
  return phases.reduce((sum, { tasks }) => sum + tasks, 0);
}

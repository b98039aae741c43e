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

/** What a worker is told. */
export type ToWorker =
  | { readonly memory: WebAssembly.Memory; readonly words: Int32Array; readonly inside: number }
  | JobMessage
  | { readonly forget: number };

export interface JobMessage {
  readonly number: number;
  readonly id: number;
  /** Only the first time. */
  readonly module?: WebAssembly.Module;
  readonly phases: readonly Phase[];
  readonly frame: number;
  readonly scratch: number;
  /** Whether the worker is to say that it has left the job, to someone who may not wait. */
  readonly reports: boolean;
}

/** What a worker says: after its start, of a task that threw, and when it has left a job. */
export type FromWorker =
  | { readonly ready: true }
  | { readonly error: string; readonly number: number }
  | { readonly left: number };

export function totalTasks(phases: readonly Phase[]): number {
  return phases.reduce((sum, { tasks }) => sum + tasks, 0);
}

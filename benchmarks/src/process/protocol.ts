import type { WorkloadResults } from '../contestant.ts';
import type { Machine } from '../machine.ts';
import type { Workload } from '../workload/workload.ts';
import type { MemoryUse } from './resident-set.ts';
import type { ContestantSource } from './source.ts';

/** Request to a contestant's process. It crosses the process boundary. */
export type Request =
  | {
      readonly kind: 'enter';
      readonly source: ContestantSource;
      readonly workload: Workload;
      readonly threads: number;
    }
  | { readonly kind: 'turn'; readonly milliseconds: number }
  /** Instead of `enter`: this process will measure the peak of the processor. */
  | { readonly kind: 'enter peak' };

/** A contestant that may not be timed, and the reason. */
export interface Refusal {
  readonly status: 'unavailable' | 'unsupported' | 'failed' | 'wrong' | 'too large';
  readonly device: string | null;
  readonly threads: number | null;
  readonly reason: string;
  readonly remedy?: string;
  /** Set by the waiting process: no answer came in time. */
  readonly hung?: true;
}

/** A contestant that has its first results. */
export interface Entered {
  readonly status: 'entered';
  readonly device: string;
  readonly threads: number | null;
  readonly results: WorkloadResults;
  readonly firstRunMs: number;
  readonly memory: MemoryUse;
}

/** The process for the peak. */
export interface PeakEntered {
  readonly status: 'peak entered';
  readonly device: string;
  readonly flopsPerRun: number;
  readonly machine: Machine;
}

/** A completed turn. */
export interface TurnTaken {
  readonly status: 'turn taken';
  /** Time of each run. */
  readonly samplesMs: readonly number[];
  /** Part of the turn in which the main thread waited for a processor that others had: 0 to 1. */
  readonly waitedShare: number;
}

export type Reply = Refusal | Entered | PeakEntered | TurnTaken;

/** Message from a process: its current stage, in case it stops answering, or its reply. */
export type Message = { readonly stage: string } | { readonly reply: Reply };

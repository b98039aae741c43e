import type { WorkloadResults } from '../contestant.ts';
import type { Machine } from '../machine.ts';
import type { Workload } from '../workload/workload.ts';
import type { MemoryUse } from './resident-set.ts';
import type { ContestantSource } from './source.ts';

/** What a contestant's process is asked to do. It crosses the process boundary. */
export type Request =
  | {
      readonly kind: 'enter';
      readonly source: ContestantSource;
      readonly workload: Workload;
      readonly threads: number;
    }
  | { readonly kind: 'turn'; readonly milliseconds: number }
  /** Instead of `enter`: this process will find out what the processor can do at most. */
  | { readonly kind: 'enter peak' };

/** A contestant that may not be timed, and why. */
export interface Refusal {
  readonly status: 'unavailable' | 'unsupported' | 'failed' | 'wrong' | 'too large';
  readonly device: string | null;
  readonly threads: number | null;
  readonly reason: string;
  readonly remedy?: string;
  /** Set by whoever waited in vain: the process did not answer in time. */
  readonly hung?: true;
}

/** A contestant whose first results are there. */
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

/** A turn that was taken. */
export interface TurnTaken {
  readonly status: 'turn taken';
  /** Time of each run. */
  readonly samplesMs: readonly number[];
  /** Of the turn, the part in which the main thread waited for a processor that others had: 0 to 1. */
  readonly waitedShare: number;
}

export type Reply = Refusal | Entered | PeakEntered | TurnTaken;

/** What a process sends: what it is at, for when it falls silent, and its reply. */
export type Message = { readonly stage: string } | { readonly reply: Reply };

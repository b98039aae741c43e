import type { FuzzReport, NotCovered, Progress, Report } from '@heed/conformance';
import type { Capabilities } from '@heed/core';

/** What a child process is asked to do. Plain data: it crosses the process boundary. */
export type Task = { readonly url: string; readonly name: string } & (
  | { readonly kind: 'inspect' }
  | {
      readonly kind: 'verify';
      readonly clauses: readonly string[];
      readonly ids: readonly string[];
      readonly caseFiles: readonly string[];
    }
  | { readonly kind: 'fuzz'; readonly seconds: number; readonly seed: number | null }
);

/** How a backend presents itself. */
export interface Inspection {
  readonly name: string;
  readonly status: 'available' | 'unavailable';
  /** What really runs; null when nothing does. */
  readonly device: string | null;
  readonly capabilities: Capabilities | null;
  readonly reason?: string;
  readonly remedy?: string | null;
}

/** A step of a task; whoever waits for it notices when there are none. */
export interface Step {
  /** What begins: `probe`, `the first case`; or what has just ended: the id of a case. */
  readonly text: string;
  readonly done?: number;
  readonly total?: number;
  /** How the case that has just ended went. */
  readonly status?: Progress['status'];
}

/** The report of a fuzzing run, and the disagreement as the text of a case file. */
export type FuzzOutcome = Omit<FuzzReport, 'disagreement'> & {
  readonly disagreement: { readonly message: string; readonly caseFile: string } | null;
};

export interface TaskResults {
  readonly inspect: Inspection;
  readonly verify: Report & { readonly notCovered: readonly NotCovered[] };
  readonly fuzz: FuzzOutcome;
}

/** Says how far a task is. */
export type Announce = (step: Step) => void;

import type { FuzzReport, NotCovered, Progress, Report } from '@heed/conformance';
import type { Capabilities } from '@heed/core';

/** Task for a child process. Plain data: it crosses the process boundary. */
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

/** Properties of a backend. */
export interface Inspection {
  readonly name: string;
  readonly status: 'available' | 'unavailable';
  /** Name of what really runs; null if nothing does. */
  readonly device: string | null;
  readonly capabilities: Capabilities | null;
  /** Figures of one small run, of backends that measure their runs. */
  readonly lastRun?: Readonly<Record<string, number>>;
  readonly reason?: string;
  readonly remedy?: string | null;
}

/** A step of a task; the parent notices when none arrive. */
export interface Step {
  /** Name of what begins: `probe`, `the first case`; or the id of a case that has just ended. */
  readonly text: string;
  readonly done?: number;
  readonly total?: number;
  /** Status of the case that has just ended. */
  readonly status?: Progress['status'];
  /** True while this command's own work begins, which does not count as the backend's time. */
  readonly own?: boolean;
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

/** Announces a step of a task. */
export type Announce = (step: Step) => void;

import type { ConformanceCase } from './case.ts';
import type { Outcome } from './outcome.ts';

/** The counts of outcomes. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  /** Not declared, and refused as it must be. */
  readonly refused: number;
  /** Cases of guarantees that are not declared. */
  readonly notGuaranteed: number;
}

/** The comparison of a clause that came nearest to its bound, or went farthest beyond it. */
export interface Worst {
  /** The id of the case. */
  readonly case: string;
  readonly tensor: string;
  /** Null when there was no number to measure: NaN, infinity, a missing tensor. */
  readonly error: number | null;
  readonly bound: number;
}

export interface ClauseReport extends Tally {
  /** The id of the clause in SPEC.md. */
  readonly clause: string;
  /** Null when nothing in the clause is a comparison. */
  readonly worst: Worst | null;
  readonly failures: readonly { readonly id: string; readonly message: string }[];
}

/** What `verify()` found. Plain JSON. */
export interface Report extends Tally {
  readonly name: string;
  readonly device: string;
  /** Cases that failed as the list of expected failures says. */
  readonly expectedFailures: number;
  /** In the order of SPEC.md. */
  readonly clauses: readonly ClauseReport[];
}

type Open<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer E)[] ? E[] : T[K] };

/** Collects outcomes, clause by clause, in the order in which they come. */
export class ReportBuilder {
  private readonly clauses = new Map<string, Open<ClauseReport>>();
  private expectedFailures = 0;

  /** `expected`: why the case is expected to fail, if it is. */
  add({ id, clause }: ConformanceCase, outcome: Outcome, expected?: string): void {
    if (outcome.status === 'notApplicable') return;
    const report = this.clauseReport(clause);
    if (outcome.status === 'failed' && expected !== undefined) {
      this.expectedFailures++;
      return;
    }
    if (expected !== undefined) {
      report.failed++;
      report.failures.push({ id, message: unexpectedSuccess(outcome.status, expected) });
      return;
    }
    report[outcome.status]++;
    if (outcome.status === 'failed') report.failures.push({ id, message: outcome.message });
    if (outcome.status === 'failed' || outcome.status === 'passed') {
      for (const { tensor, error, bound } of outcome.comparisons) {
        report.worst = worse(report.worst, {
          case: id,
          tensor,
          error: Number.isFinite(error) ? error : null,
          bound,
        });
      }
    }
  }

  build(name: string, device: string): Report {
    const clauses = [...this.clauses.values()];
    const total = (key: keyof Tally): number => clauses.reduce((sum, clause) => sum + clause[key], 0);
    return {
      name,
      device,
      passed: total('passed'),
      failed: total('failed'),
      refused: total('refused'),
      notGuaranteed: total('notGuaranteed'),
      expectedFailures: this.expectedFailures,
      clauses,
    };
  }

  private clauseReport(clause: string): Open<ClauseReport> {
    const known = this.clauses.get(clause);
    if (known !== undefined) return known;
    const fresh = { clause, passed: 0, failed: 0, refused: 0, notGuaranteed: 0, worst: null, failures: [] };
    this.clauses.set(clause, fresh);
    return fresh;
  }
}

/** Known failures are a list that must stay true: one that is gone has to leave it. */
export function unexpectedSuccess(status: string, reason: string): string {
  return `${status}, and is on the list of expected failures (${reason}): take it off the list`;
}

function worse(a: Worst | null, b: Worst): Worst {
  if (a === null) return b;
  return severity(b) > severity(a) ? b : a;
}

function severity({ error, bound }: Worst): number {
  if (error === null) return Infinity;
  return error === 0 ? 0 : error / bound;
}

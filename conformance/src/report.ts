import type { ConformanceCase } from './case.ts';
import type { Comparison } from './judge/compare.ts';
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

/** Outcome of a clause: its counts, its worst comparison, its failures and cases. */
export interface ClauseReport extends Tally {
  /** The id of the clause in SPEC.md. */
  readonly clause: string;
  /** Null when nothing in the clause is a comparison. */
  readonly worst: Worst | null;
  readonly failures: readonly Failure[];
  /** Every case of the clause in the order in which they ran, those that were left out included. */
  readonly cases: readonly CaseReport[];
}

/** A case that failed, or one on the list of expected failures that did not. */
export interface Failure {
  readonly id: string;
  /** Purpose of the case; null if it has none. */
  readonly purpose: string | null;
  /** Description of the failure. */
  readonly message: string;
}

/**
 * Status of a case. `refused`: not declared, and refused as it must be; `notGuaranteed`: tests a guarantee that is not
 * declared; `notApplicable`: a behavior that needs more than is declared, omitted.
 */
export type CaseStatus = 'passed' | 'failed' | 'refused' | 'notGuaranteed' | 'notApplicable';

/** Report of one case. */
export interface CaseReport {
  readonly id: string;
  /** `expectedFailure`: failed, and is on the list of expected failures. */
  readonly status: CaseStatus | 'expectedFailure';
  /** For a refused or omitted case: the features that are not declared, or `dtype`. */
  readonly missing?: readonly string[];
  /** For an expected failure: the reason on the list. */
  readonly reason?: string;
}

/** Report of `verify()`. Plain JSON. */
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
  private readonly clauses = new Map<string, OpenClause>();
  private expectedFailures = 0;

  /** `expected`: why the case is expected to fail, if it is. */
  add({ id, clause, ...about }: ConformanceCase, outcome: Outcome, expected?: string): void {
    const { report, compared } = this.clauseOf(clause);
    const purpose = about.purpose ?? null;
    const { status } = outcome;
    if (expected !== undefined) {
      if (status === 'failed') {
        this.expectedFailures++;
        report.cases.push({ id, status: 'expectedFailure', reason: expected });
      } else {
        report.failed++;
        report.cases.push({ id, status: 'failed' });
        report.failures.push({ id, purpose, message: unexpectedSuccess(status, expected) });
      }
      return;
    }
    report.cases.push({ id, status, ...('missing' in outcome && { missing: outcome.missing }) });
    if (status === 'notApplicable') return;
    report[status]++;
    if (outcome.status === 'failed') report.failures.push({ id, purpose, message: outcome.message });
    if (outcome.status === 'failed' || outcome.status === 'passed') {
      compared.push(...outcome.comparisons.map((comparison) => ({ id, comparison })));
    }
  }

  build(name: string, device: string): Report {
    const clauses = [...this.clauses.values()].map(({ report, compared }) => ({
      ...report,
      worst: worstOf(compared),
    }));
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

  private clauseOf(clause: string): OpenClause {
    const known = this.clauses.get(clause);
    if (known !== undefined) return known;
    const none = { passed: 0, failed: 0, refused: 0, notGuaranteed: 0 };
    const report = { clause, ...none, worst: null, failures: [], cases: [] };
    const fresh: OpenClause = { report, compared: [] };
    this.clauses.set(clause, fresh);
    return fresh;
  }
}

/** Known failures are a list that must stay true: one that is gone has to leave it. */
export function unexpectedSuccess(status: string, reason: string): string {
  return `${status}, and is on the list of expected failures (${reason}): take it off the list`;
}

/** A clause before its worst comparison is known. */
interface OpenClause {
  readonly report: Open<ClauseReport>;
  readonly compared: Compared[];
}

interface Compared {
  /** The id of the case. */
  readonly id: string;
  readonly comparison: Comparison;
}

/**
 * The comparison with the largest share of its bound. Bounds are worked out only where they may matter: of comparisons
 * in the order of the largest share that each can have, and as far as it takes to know that it has less.
 */
function worstOf(compared: readonly Compared[]): Worst | null {
  let worst: Worst | null = null;
  let share = -1;
  const mostFirst = compared
    .map((one) => ({ ...one, most: shareOf(one.comparison.error, one.comparison.leastBound()) }))
    .sort((a, b) => b.most - a.most);
  for (const { id, comparison, most } of mostFirst) {
    if (most <= share) break;
    if (worst !== null && comparison.within(share)) continue;
    const { tensor, error } = comparison;
    worst = { case: id, tensor, error: Number.isFinite(error) ? error : null, bound: comparison.bound() };
    share = shareOf(error, worst.bound);
  }
  return worst;
}

function shareOf(error: number, bound: number): number {
  return error === 0 ? 0 : error / bound;
}

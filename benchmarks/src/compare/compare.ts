import type { Row } from '../measure/measure.ts';
import { median } from '../measure/statistics.ts';
import type { BenchResults } from '../results/schema.ts';
import { rankTest } from './rank-test.ts';

/** One row of two results files. */
export interface Comparison {
  readonly workload: string;
  readonly contestant: string;
  readonly oldMs: number;
  readonly newMs: number;
  /**
   * New time divided by old time, both relative to the peak of their own run: 1.3 is 30% slower. Of the changes with
   * and without waiting for a processor, the smaller one; 1 if they disagree on the direction.
   */
  readonly change: number;
  /** Probability that rounds whose times differ by 10% at most are as far apart. Not corrected. */
  readonly p: number;
  /** Set if the change is over 10%, and significantly so. */
  readonly verdict: 'slower' | 'faster' | null;
}

/** A row that only one file has measured. */
export interface Unpaired {
  readonly workload: string;
  readonly contestant: string;
  readonly old: string;
  readonly new: string;
}

/** Result of {@link compareResults}. */
export interface ComparisonReport {
  /** p of a single row below which it is significant: 0.01 divided by the number of rows (Bonferroni). */
  readonly significance: number;
  /** Peak of the new run divided by that of the old one; corrects all changes. */
  readonly calibration: number;
  readonly rows: readonly Comparison[];
  readonly unpaired: readonly Unpaired[];
  /** Differences that make the two hard to compare: another processor, another Node, another number of threads. */
  readonly differences: readonly string[];
}

const LEAST_CHANGE = 1.1;
const SIGNIFICANCE = 0.01;

/**
 * Compares two runs. Each time is taken relative to the peak of the machine in the same round, so that a processor
 * that runs slower today, or another of its kind, is not a regression.
 */
export function compareResults(old: BenchResults, fresh: BenchResults): ComparisonReport {
  const pairs = old.rows.flatMap((before) => {
    const after = fresh.rows.find(
      (row) => row.workload === before.workload && row.contestant === before.contestant,
    );
    return after === undefined ? [] : [{ before, after }];
  });
  const measured = pairs.filter(({ before, after }) => before.medianMs !== null && after.medianMs !== null);
  const significance = SIGNIFICANCE / Math.max(1, measured.length);
  return {
    significance,
    calibration: (fresh.peak.gflops ?? NaN) / (old.peak.gflops ?? NaN),
    rows: measured.map(({ before, after }) => {
      const changes = VIEWS.map((view) =>
        changeOf(calibrated(old, before, view), calibrated(fresh, after, view)),
      );
      const { change, p } = nearestToNone(changes);
      const verdict = p >= significance ? null : change > 1 ? 'slower' : 'faster';
      const { workload, contestant } = before;
      return { workload, contestant, oldMs: before.medianMs!, newMs: after.medianMs!, change, p, verdict };
    }),
    unpaired: pairs
      .filter(({ before, after }) => (before.medianMs === null) !== (after.medianMs === null))
      .map(({ before, after }) => ({
        workload: before.workload,
        contestant: before.contestant,
        old: before.status,
        new: after.status,
      })),
    differences: differencesOf(old, fresh),
  };
}

/** Times as they were, and without what others took: noise moves one of them, and a regression both. */
const VIEWS = ['roundsMs', 'undisturbedMs'] as const;

/** Times of the rounds in units of the peak: the multiply-adds that one core could have done meanwhile, in millions. */
function calibrated(results: BenchResults, row: Row, view: (typeof VIEWS)[number]): number[] {
  const { peakGflops } = results.workloads.find(({ workload }) => workload.name === row.workload)!;
  return row[view].map((ms, round) => ms * (peakGflops[round] ?? median(peakGflops)));
}

interface Change {
  readonly change: number;
  readonly p: number;
}

/**
 * Tests whether times changed by more than the least change that counts, not whether they changed at all: rounds of one
 * process share its memory layout and its compiled code, so that two runs of one build do differ, by less.
 */
function changeOf(old: readonly number[], fresh: readonly number[]): Change {
  const change = median(fresh) / median(old);
  if (change <= LEAST_CHANGE && change >= 1 / LEAST_CHANGE) return { change, p: 1 };
  const allowed = change > 1 ? LEAST_CHANGE : 1 / LEAST_CHANGE;
  return {
    change,
    p: rankTest(
      old.map((ms) => ms * allowed),
      fresh,
    ),
  };
}

function nearestToNone(changes: readonly Change[]): Change {
  const p = Math.max(...changes.map((one) => one.p));
  const factors = changes.map((one) => one.change);
  const [least, most] = [Math.min(...factors), Math.max(...factors)];
  if (least < 1 && most > 1) return { change: 1, p: 1 };
  return { change: most > 1 ? least : most, p };
}

function differencesOf(old: BenchResults, fresh: BenchResults): string[] {
  const facts = (of: BenchResults): Record<string, string | number> => ({
    processor: of.machine.cpu,
    cores: of.machine.cores,
    Node: of.machine.node,
    threads: of.settings.threads,
    'peak measured with': of.peak.device,
  });
  const before = facts(old);
  return Object.entries(facts(fresh)).flatMap(([name, value]) =>
    value === before[name] ? [] : [`${name}: ${before[name]} before, ${value} now`],
  );
}

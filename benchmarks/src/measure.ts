import type { Contestant } from './contestant.ts';
import { type Machine, machineFacts } from './machine.ts';
import { type Entrant, type Finish, type RaceOptions, race } from './race.ts';
import { median, quantile, speedRatio } from './statistics.ts';
import { type Workload, usefulFlops } from './workload.ts';

export interface MeasureOptions extends RaceOptions {
  readonly workloads: readonly Workload[];
  readonly contestants: readonly Contestant[];
  /** Name of the contestant that ratios are to. Default: the first. */
  readonly baseline?: string;
}

/** One contestant on one workload. Numbers are null unless `status` is `measured`. */
export interface Row {
  readonly workload: string;
  readonly contestant: string;
  /** What really ran. */
  readonly device: string | null;
  readonly threads: number | null;
  /** Number of keys. */
  readonly length: number;
  /** Median over the rounds of the time of one run. */
  readonly medianMs: number | null;
  /** First and third quartile over the rounds. */
  readonly quartilesMs: readonly [number, number] | null;
  /** Useful floating-point operations in a nanosecond, at the median. */
  readonly gflops: number | null;
  /** Times as fast as the baseline: median over the rounds of the ratio in that round. 1 for the baseline itself. */
  readonly ratio: number | null;
  /**
   * `measured`; `wrong`: its result differs from the float64 reference, so it was not timed; `unavailable`: not
   * installed or cannot run here; `unsupported`: does not compute this workload; `failed`: threw; `stopped`: the
   * signal came first.
   */
  readonly status: Finish['status'];
  /** Of any other status than `measured`. */
  readonly reason?: string;
  /** What to do about it. */
  readonly remedy?: string;
  /** Median of each round, which everything above follows from. */
  readonly roundsMs: readonly number[];
}

export interface Measurement {
  readonly machine: Machine;
  /** In the order of workloads, then contestants. */
  readonly rows: readonly Row[];
}

/**
 * Measures contestants side by side: on each workload every result is checked against the float64 reference first,
 * then all are timed in interleaved rounds. What a contestant cannot do is a row that says why.
 *
 * @example
 * ```ts
 * import { backendContestant, measure, tripleLoop, workload } from '@heed/benchmarks';
 * import ts from '@heed/backend-ts';
 *
 * const { rows } = await measure({
 *   workloads: [workload({ length: 128, heads: 2 })],
 *   contestants: [tripleLoop, backendContestant(ts)],
 *   rounds: 3,
 *   turnMs: 10,
 * });
 * console.log(rows.map(({ contestant }) => contestant).join()); // triple loop,ts
 * console.log(rows.map(({ status }) => status).join()); // measured,measured
 * ```
 */
export async function measure(options: MeasureOptions): Promise<Measurement> {
  const { workloads, contestants, onProgress } = options;
  const baseline = options.baseline ?? contestants[0]?.name;
  const rows: Row[] = [];
  for (const [index, workload] of workloads.entries()) {
    const entrants = contestants.map((contestant) => ({ contestant, workload }));
    const finishes = await race(entrants, {
      ...options,
      onProgress: (progress) =>
        onProgress?.({ ...progress, done: (index + progress.done) / workloads.length }),
    });
    const baselineMs = finishes[contestants.findIndex(({ name }) => name === baseline)]?.roundsMs ?? [];
    rows.push(...entrants.map((entrant, place) => rowOf(entrant, finishes[place]!, baselineMs)));
  }
  return { machine: machineFacts(), rows };
}

function rowOf({ contestant, workload }: Entrant, finish: Finish, baselineMs: readonly number[]): Row {
  const { roundsMs, device, threads, status, reason, remedy } = finish;
  const measured = status === 'measured';
  const medianMs = measured ? median(roundsMs) : null;
  return {
    workload: workload.name,
    contestant: contestant.name,
    device,
    threads,
    length: workload.keyLength,
    medianMs,
    quartilesMs: measured ? [quantile(roundsMs, 0.25), quantile(roundsMs, 0.75)] : null,
    gflops: medianMs === null ? null : usefulFlops(workload) / medianMs / 1e6,
    ratio: measured ? speedRatio(roundsMs, baselineMs) : null,
    status,
    ...(reason !== undefined && { reason }),
    ...(remedy !== undefined && { remedy }),
    roundsMs,
  };
}

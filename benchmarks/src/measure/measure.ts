import os from 'node:os';
import {
  abortSignal,
  callback,
  checkOptions,
  integer,
  listOf,
  number,
  type OptionTable,
  required,
  text,
} from '@heed/core/backend';
import type { Machine } from '../machine.ts';
import { type ContestantSource, tripleLoop } from '../process/source.ts';
import { usefulFlops } from '../workload/pairs.ts';
import type { Workload } from '../workload/workload.ts';
import { REST_MS, entrantOf } from './entry.ts';
import { type Forecast, forecast } from './forecast.ts';
import { type Peak, startPeak } from './peak.ts';
import {
  type Entrant,
  type Finish,
  MIN_ROUNDS,
  NOTHING,
  type Progress,
  ROUNDS,
  TURN_MS,
  WARM_AFTER_MS,
  WARM_UP_TURNS,
  inSeconds,
  race,
} from './race.ts';
import { type Need, type Share, sharesOf } from './shares.ts';
import { median, quantile, speedRatio } from './statistics.ts';

/** Options of {@link measure}. */
export interface MeasureOptions {
  /** Made by `workload()`, or of the sets of `catalog()`. */
  readonly workloads: readonly Workload[];
  /** Each has a process of its own. */
  readonly contestants: readonly ContestantSource[];
  /** Name of the contestant that ratios are relative to. Default: `triple loop`. */
  readonly baseline?: string | undefined;
  /** Threads that contestants are asked to compute with. Default: the number of processors. */
  readonly threads?: number | undefined;
  /** Time for everything, in seconds. Default 600. */
  readonly budgetSeconds?: number | undefined;
  /** Seconds for a contestant to get ready. One that needs more fails and is left out from then on. Default 30. */
  readonly timeoutSeconds?: number | undefined;
  /** Number of turns of each contestant on a workload, if there is time. Default 11. */
  readonly rounds?: number | undefined;
  /** Length of a turn in seconds; a slower run is one turn by itself. Default 0.04. */
  readonly turnSeconds?: number | undefined;
  /** Ends the measurement at once; what was measured is kept. */
  readonly signal?: AbortSignal | undefined;
  /** Called as the measurement goes on. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

const seconds = number('a number of seconds ≥ 0', (value) => value >= 0);

function isNamed(value: unknown): boolean {
  return typeof (value as { readonly name?: unknown } | null | undefined)?.name === 'string';
}

const OPTIONS: OptionTable<MeasureOptions> = {
  workloads: required(listOf({ expected: 'a workload of workload()', accepts: isNamed })),
  contestants: required(listOf({ expected: 'a source of contestantNamed()', accepts: isNamed })),
  baseline: text,
  threads: integer(1),
  budgetSeconds: seconds,
  timeoutSeconds: seconds,
  rounds: integer(1),
  turnSeconds: seconds,
  signal: abortSignal,
  onProgress: callback,
};

/** One contestant on one workload. Times are null unless `status` is `measured`. */
export interface Row {
  readonly workload: string;
  readonly contestant: string;
  /** Description of what really ran. */
  readonly device: string | null;
  readonly threads: number | null;
  /** Number of keys. */
  readonly length: number;
  /** Median over the rounds of the time of one run. */
  readonly medianMs: number | null;
  /** First and third quartile over the rounds. */
  readonly quartilesMs: readonly [number, number] | null;
  /** Useful floating-point operations per nanosecond, at the median. */
  readonly gflops: number | null;
  /** Speed relative to the baseline: median over the rounds of the ratio in that round. 1 for the baseline itself. */
  readonly ratio: number | null;
  /** Largest resident set of the contestant's process up to the end of its first run. */
  readonly peakBytes: number | null;
  /** Part of it beyond inputs and output, and beyond the process before them. */
  readonly growthBytes: number | null;
  /**
   * `measured`; `wrong`: its result differs from the float64 reference, so it was not timed; `unavailable`: not
   * installed or cannot run here; `unsupported`: does not compute this workload; `failed`: threw, died or hung;
   * `too slow`, `too large`: would go, or went, beyond its share of the time, or the memory that is free; `stopped`:
   * the signal came first.
   */
  readonly status: Finish['status'];
  /** Reason of any status other than `measured`. */
  readonly reason?: string;
  /** Remedy, if there is one. */
  readonly remedy?: string;
  /** Median of each round; everything above follows from it. */
  readonly roundsMs: readonly number[];
  /**
   * Mean of each round, without the time that the main thread was ready to run while others had the processors. Only
   * Linux tells this time; on other systems the mean includes it.
   */
  readonly undisturbedMs: readonly number[];
  /** Times behind each round: all of them, or ten at equal distances. */
  readonly samplesMs: readonly (readonly number[])[];
}

/** Peak of the processor while a workload was measured. */
export interface WorkloadPeak {
  readonly workload: string;
  /** Peak of one core, in each round. */
  readonly gflops: readonly number[];
}

/** Result of {@link measure}. */
export interface Measurement {
  /** The machine, with the Node that contestants ran on. */
  readonly machine: Machine;
  /** Device that the peak was measured with. */
  readonly peakDevice: string;
  readonly peaks: readonly WorkloadPeak[];
  /** Rows by workload, small ones first, then by contestant. */
  readonly rows: readonly Row[];
  /** True if the signal ended it early. */
  readonly stopped: boolean;
}

const TIMEOUT_SECONDS = 30;
/** Share of the free memory that a forecast may assign to one contestant. */
const MEMORY_SHARE = 0.5;

/** Returns the default options of a measurement. */
export function defaults(): {
  threads: number;
  budgetSeconds: number;
  rounds: number;
  turnSeconds: number;
  baseline: string;
} {
  return {
    threads: os.availableParallelism(),
    budgetSeconds: 600,
    rounds: ROUNDS,
    turnSeconds: TURN_MS / 1000,
    baseline: tripleLoop.name,
  };
}

/** A contestant over all workloads. */
interface Course {
  readonly source: ContestantSource;
  readonly forecast: Forecast;
  /** Final outcome for all workloads: not installed, or hung; null while it can run. */
  settled: Finish | null;
}

/**
 * Measures contestants side by side, each in a process of its own, of which one computes at a time. On each workload,
 * every result is first checked against the float64 reference; then all are timed in interleaved rounds. A workload
 * that a contestant cannot compute gives a row with the reason.
 *
 * @throws HeedError `ARGUMENT` or `UNKNOWN_OPTION`; the reason of the signal is not thrown, but ends the run early.
 *
 * @example
 * ```ts
 * import { contestantNamed, measure, tripleLoop, workload } from '@heed/benchmarks';
 *
 * const { rows } = await measure({
 *   workloads: [workload({ length: 128, heads: 2 })],
 *   contestants: [tripleLoop, contestantNamed('@heed/backend-ts')],
 *   rounds: 3,
 *   turnSeconds: 0.01,
 * });
 * console.log(rows.map(({ contestant }) => contestant).join()); // triple loop,@heed/backend-ts
 * console.log(rows.map(({ status }) => status).join()); // measured,measured
 * ```
 */
export async function measure(options: MeasureOptions): Promise<Measurement> {
  checkOptions('measure()', options, OPTIONS);
  const { signal } = options;
  const peak = await startPeak();
  const courses = options.contestants.map((source): Course => ({
    source,
    forecast: forecast(),
    settled: null,
  }));
  const workloads = [...options.workloads].sort((a, b) => usefulFlops(a) - usefulFlops(b));
  const end = performance.now() + 1000 * (options.budgetSeconds ?? defaults().budgetSeconds);
  const rows: Row[] = [];
  const peaks: WorkloadPeak[] = [];
  try {
    for (const [index, workload] of workloads.entries()) {
      const onProgress = (progress: Progress): void =>
        options.onProgress?.({ ...progress, done: (index + progress.done) / workloads.length });
      const left = workloads.slice(index);
      const { finishes, peakGflops } = await measureOne(left, courses, peak, end, { ...options, onProgress });
      peaks.push({ workload: workload.name, gflops: peakGflops });
      rows.push(...rowsOf(workload, courses, finishes, options.baseline ?? defaults().baseline));
    }
  } finally {
    await peak.end();
  }
  const { machine, device: peakDevice } = peak;
  return { machine, peakDevice, peaks, rows, stopped: signal?.aborted ?? false };
}

/** Measures the first of the remaining workloads, within an equal part of the remaining time. */
async function measureOne(
  left: readonly Workload[],
  courses: readonly Course[],
  peak: Peak,
  end: number,
  options: MeasureOptions,
): Promise<{ finishes: readonly Finish[]; peakGflops: readonly number[] }> {
  const workload = left[0]!;
  const active = courses.filter(({ settled }) => settled === null);
  const needs = active.map(({ forecast: of }) => needOf(of, workload, options));
  const shares = sharesOf((end - performance.now()) / left.length, needs);
  const refused = new Map<Course, Finish>();
  const entering: { readonly course: Course; readonly entrant: Entrant }[] = [];
  active.forEach((course, place) => {
    const share = shares[place]!;
    const refusal = refusalBefore(course.forecast, workload, needs[place]!, share);
    if (refusal !== null) refused.set(course, refusal);
    else entering.push({ course, entrant: entrantFor(course, workload, share, options) });
  });
  const { rounds, signal, onProgress } = options;
  const raced = await race(
    entering.map(({ entrant }) => entrant),
    { rounds, turnMs: turnMsOf(options), signal, onProgress, end, peak: () => peak.measure() },
  );
  const results = new Map(entering.map(({ course }, place) => [course, raced.finishes[place]!]));
  for (const [course, finish] of results) learn(course, workload, finish);
  return {
    finishes: courses.map((course) => results.get(course) ?? refused.get(course) ?? course.settled!),
    peakGflops: raced.peakGflops,
  };
}

function entrantFor(course: Course, workload: Workload, share: Share, options: MeasureOptions): Entrant {
  const limitMs =
    1000 * (options.timeoutSeconds ?? TIMEOUT_SECONDS) + 4 * (course.forecast.runMs(workload) ?? 0);
  const threads = options.threads ?? defaults().threads;
  const entrant = entrantOf(course.source, workload, { threads, limitMs });
  return share.enters ? { ...entrant, shareMs: share.computingMs } : entrant;
}

function turnMsOf({ turnSeconds }: MeasureOptions): number {
  return turnSeconds === undefined ? TURN_MS : 1000 * turnSeconds;
}

/** Forecasts the needs of a contestant on a workload, as far as is known. */
function needOf(of: Forecast, workload: Workload, options: MeasureOptions): Need {
  const { rounds = ROUNDS } = options;
  const turnMs = turnMsOf(options);
  const runMs = of.runMs(workload) ?? 0;
  const warmUp = runMs > WARM_AFTER_MS ? 0 : Math.max(runMs, WARM_UP_TURNS * turnMs);
  const turns = (count: number): number => runMs + warmUp + count * (Math.max(runMs, turnMs) + REST_MS);
  return { start: of.startMs(), least: turns(Math.min(rounds, MIN_ROUNDS)), most: turns(rounds) };
}

/** Reason for a contestant not to start on a workload; null if it may. */
function refusalBefore(of: Forecast, workload: Workload, need: Need, share: Share): Finish | null {
  if (!share.enters) {
    const [runMs, neededMs] = [of.runMs(workload) ?? 0, need.start + need.least];
    const reason = `one run would take about ${inSeconds(runMs)}, and measuring it ${inSeconds(neededMs)}; its share is ${inSeconds(share.leftMs)}`;
    return { ...NOTHING, status: 'too slow', reason };
  }
  const bytes = of.growthBytes(workload) ?? 0;
  const free = process.availableMemory?.() ?? os.freemem();
  if (bytes > MEMORY_SHARE * free) {
    const [needs, has] = [bytes, free].map((size) => `${(size / 2 ** 30).toFixed(1)} GB`);
    return {
      ...NOTHING,
      status: 'too large',
      reason: `it would take about ${needs} of memory; ${has} are free`,
    };
  }
  return null;
}

function learn(course: Course, workload: Workload, finish: Finish): void {
  course.forecast.learn(workload, finish);
  if (finish.status === 'unavailable') course.settled = finish;
  if (finish.hung) {
    const reason = `left out: on ${workload.name} ${finish.reason}`;
    course.settled = { ...finish, memory: null, reason };
  }
}

function rowsOf(
  workload: Workload,
  courses: readonly Course[],
  finishes: readonly Finish[],
  baseline: string,
): Row[] {
  const baselineMs = finishes[courses.findIndex(({ source }) => source.name === baseline)]?.roundsMs ?? [];
  return courses.map(({ source }, place) => rowOf(source.name, workload, finishes[place]!, baselineMs));
}

function rowOf(contestant: string, workload: Workload, finish: Finish, baselineMs: readonly number[]): Row {
  const { roundsMs, undisturbedMs, samplesMs, device, threads, memory, status, reason, remedy } = finish;
  const measured = status === 'measured';
  const medianMs = measured ? median(roundsMs) : null;
  return {
    workload: workload.name,
    contestant,
    device,
    threads,
    length: workload.keyLength,
    medianMs,
    quartilesMs: measured ? [quantile(roundsMs, 0.25), quantile(roundsMs, 0.75)] : null,
    gflops: medianMs === null ? null : usefulFlops(workload) / medianMs / 1e6,
    ratio: measured ? speedRatio(roundsMs, baselineMs) : null,
    peakBytes: memory?.peakBytes ?? null,
    growthBytes: memory?.growthBytes ?? null,
    status,
    ...(reason !== undefined && { reason }),
    ...(remedy !== undefined && { remedy }),
    roundsMs,
    undisturbedMs,
    samplesMs: samplesMs.map(thinned),
  };
}

const KEPT_SAMPLES = 10;

/** Thins many samples to some at equal distances. */
function thinned(samples: readonly number[]): readonly number[] {
  if (samples.length <= KEPT_SAMPLES) return samples;
  return Array.from(
    { length: KEPT_SAMPLES },
    (_, n) => samples[Math.floor((n * (samples.length - 1)) / (KEPT_SAMPLES - 1))]!,
  );
}

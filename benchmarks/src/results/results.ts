import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { HeedError } from '@heed/core';
import * as v from 'valibot';
import { type Measurement, type Row, defaults } from '../measure/measure.ts';
import { median } from '../measure/statistics.ts';
import { usefulFlops } from '../workload/pairs.ts';
import { type Workload, workload } from '../workload/workload.ts';
import { type GrowthPoint, fitGrowth } from './growth.ts';
import { type BenchResults, type BenchSettings, type ContestantGrowth, resultsSchema } from './schema.ts';

/** Content of a results file besides the measurement. */
export interface ResultsContext {
  readonly startedAt: Date;
  readonly workloads: readonly Workload[];
  readonly contestants: readonly { readonly name: string }[];
  readonly versions: Readonly<Record<string, string>>;
  readonly settings: Partial<BenchSettings>;
  /** Remark, such as who shared the machine. */
  readonly note?: string;
}

/** A measurement as the content of a results file. */
export function resultsOf(measurement: Measurement, context: ResultsContext): BenchResults {
  const { machine, peakDevice, peaks, rows, stopped } = measurement;
  const all = peaks.flatMap(({ gflops }) => gflops);
  return {
    format: 'heed-bench/1',
    startedAt: context.startedAt.toISOString(),
    commit: commitOfSources(),
    machine,
    versions: { ...context.versions },
    settings: { ...defaults(), ...context.settings },
    ...(context.note !== undefined && { note: context.note }),
    stopped,
    peak: { device: peakDevice, gflops: all.length === 0 ? null : rounded(median(all)) },
    workloads: peaks.map((peak) => {
      const of = context.workloads.find(({ name }) => name === peak.workload)!;
      return { workload: of, flops: usefulFlops(of), peakGflops: peak.gflops.map(rounded) };
    }),
    rows: rows.map(roundedRow),
    growth: context.contestants.map(({ name }) => growthOf(name, rows, context.workloads)),
  };
}

/** Five digits: more than any clock gives. */
const rounded = (value: number): number => Number(value.toPrecision(5));

function roundedRow(row: Row): Row {
  const { medianMs, quartilesMs, gflops, ratio, roundsMs, undisturbedMs, samplesMs } = row;
  return {
    ...row,
    medianMs: medianMs && rounded(medianMs),
    quartilesMs: quartilesMs && [rounded(quartilesMs[0]), rounded(quartilesMs[1])],
    gflops: gflops && rounded(gflops),
    ratio: ratio && rounded(ratio),
    roundsMs: roundsMs.map(rounded),
    undisturbedMs: undisturbedMs.map(rounded),
    samplesMs: samplesMs.map((samples) => samples.map(rounded)),
  };
}

export function growthOf(
  contestant: string,
  rows: readonly Row[],
  workloads: readonly Workload[],
): ContestantGrowth {
  const points = rows.flatMap((row): GrowthPoint[] => {
    const of = workloads.find(({ name }) => name === row.workload);
    const counts =
      row.contestant === contestant && row.peakBytes !== null && of !== undefined && isDense(of, workloads);
    return counts ? [{ length: row.length, bytes: row.peakBytes }] : [];
  });
  const exponent = fitGrowth(points)?.exponent ?? null;
  return { contestant, exponent, lengths: points.map(({ length }) => length) };
}

/** Returns whether a workload is one of plain attention that differ in their length only. */
function isDense(of: Workload, workloads: readonly Workload[]): boolean {
  const heads = denseHeads(workloads);
  return heads !== null && of.name === workload({ length: of.keyLength, heads }).name;
}

/** Number of heads of most workloads of plain attention. */
export function denseHeads(workloads: readonly Workload[]): number | null {
  const counts = new Map<number, number>();
  for (const { name, heads, keyLength } of workloads) {
    if (name === workload({ length: keyLength, heads }).name) counts.set(heads, (counts.get(heads) ?? 0) + 1);
  }
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0] ?? null;
}

/** The commit that this package's sources are at, with `-dirty` when they differ; null outside a repository. */
function commitOfSources(): string | null {
  const git = (...words: string[]): string =>
    execFileSync('git', words, {
      cwd: fileURLToPath(new URL('.', import.meta.url)),
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  try {
    const commit = git('rev-parse', 'HEAD');
    return git('status', '--porcelain', '--untracked-files=no') === '' ? commit : `${commit}-dirty`;
  } catch {
    return null;
  }
}

/**
 * Reads a results file.
 *
 * @param name of the file, for the error.
 * @throws HeedError `ARGUMENT` when it is not one.
 */
export function parseResults(json: string, name: string): BenchResults {
  const fault = (what: string, cause?: unknown): HeedError =>
    new HeedError('ARGUMENT', `${name} is not a results file: ${what}`, {
      cause,
      remedy: 'give a JSON file that `heed bench` has written',
    });
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw fault((error as Error).message, error);
  }
  const parsed = v.safeParse(resultsSchema, value);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw fault(`${v.getDotPath(issue) ?? 'it'}: ${issue.message}`);
}

import * as v from 'valibot';
import type { Machine } from '../machine.ts';
import type { Row } from '../measure/measure.ts';
import type { Workload } from '../workload/workload.ts';

/** Results of `heed bench`, as a file has them. `results.schema.json` describes them, with every unit. */
export interface BenchResults {
  readonly format: 'heed-bench/1';
  readonly startedAt: string;
  readonly commit: string | null;
  readonly machine: Machine;
  readonly versions: Readonly<Record<string, string>>;
  readonly settings: BenchSettings;
  readonly note?: string;
  readonly stopped: boolean;
  readonly peak: { readonly device: string; readonly gflops: number | null };
  readonly workloads: readonly MeasuredWorkload[];
  readonly rows: readonly Row[];
  readonly growth: readonly ContestantGrowth[];
}

/** Settings of a run, as the results file keeps them. */
export interface BenchSettings {
  readonly threads: number;
  readonly budgetSeconds: number;
  readonly rounds: number;
  readonly turnSeconds: number;
  readonly baseline: string;
}

/** A workload, with its useful operations and the peak of the machine in each round. */
export interface MeasuredWorkload {
  readonly workload: Workload;
  readonly flops: number;
  readonly peakGflops: readonly number[];
}

/** Memory growth of a contestant; the exponent is null if there is too little data. */
export interface ContestantGrowth {
  readonly contestant: string;
  readonly exponent: number | null;
  readonly lengths: readonly number[];
}

const text = v.string();
const number = v.pipe(v.number(), v.finite());
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const machine = v.object({
  cpu: text,
  cores: count,
  memoryBytes: count,
  os: text,
  node: v.pipe(text, v.description('the Node that contestants ran on')),
  v8: text,
});

const workload = v.object({
  name: v.pipe(text, v.description('follows from the fields; the same in every file')),
  batch: count,
  heads: count,
  kvHeads: count,
  queryLength: count,
  keyLength: count,
  headDim: count,
  valueDim: count,
  causal: v.boolean(),
  window: v.nullable(v.object({ left: v.nullable(count), right: v.nullable(count) })),
  alignment: v.picklist(['topLeft', 'bottomRight']),
  mask: v.boolean(),
  gradient: v.boolean(),
  source: v.picklist(['normal', 'minilm-layer-0', 'minilm-layer-5']),
  seed: count,
});

const row = v.object({
  workload: v.pipe(text, v.description('its name')),
  contestant: text,
  device: v.pipe(v.nullable(text), v.description('what really ran, in the contestant’s own words')),
  threads: v.pipe(v.nullable(count), v.description('that computed; null where the contestant does not say')),
  length: v.pipe(count, v.description('number of keys')),
  medianMs: v.pipe(v.nullable(number), v.description('of one run, over the rounds')),
  quartilesMs: v.pipe(
    v.nullable(v.tuple([number, number])),
    v.description('first and third, over the rounds'),
  ),
  gflops: v.pipe(v.nullable(number), v.description('useful operations in a nanosecond, at the median')),
  ratio: v.pipe(
    v.nullable(number),
    v.description('times as fast as the baseline, the median of the ratios within each round'),
  ),
  peakBytes: v.pipe(v.nullable(number), v.description('largest resident set up to the end of the first run')),
  growthBytes: v.pipe(
    v.nullable(number),
    v.description('of it, what came after the inputs were there, less the output'),
  ),
  status: v.picklist([
    'measured',
    'wrong',
    'unavailable',
    'unsupported',
    'failed',
    'too slow',
    'too large',
    'stopped',
  ]),
  reason: v.exactOptional(text),
  remedy: v.exactOptional(text),
  roundsMs: v.pipe(v.array(number), v.description('median of each round')),
  undisturbedMs: v.pipe(
    v.array(number),
    v.description(
      'mean of each round, without the time that the main thread waited for a processor that others had, where the system tells (Linux)',
    ),
  ),
  samplesMs: v.pipe(
    v.array(v.array(number)),
    v.description('runs behind each round: all of them, or ten at equal distances'),
  ),
});

/** A results file. `results.schema.json` is made from it. */
export const resultsSchema: v.GenericSchema<BenchResults> = v.object({
  format: v.literal('heed-bench/1'),
  startedAt: v.pipe(text, v.isoTimestamp()),
  commit: v.pipe(
    v.nullable(text),
    v.description('of the sources of @heed/benchmarks; null outside a repository'),
  ),
  machine,
  versions: v.pipe(v.record(text, text), v.description('of the packages that took part')),
  settings: v.object({
    threads: v.pipe(count, v.description('that contestants were asked to compute with')),
    budgetSeconds: number,
    rounds: v.pipe(count, v.description('at most')),
    turnSeconds: number,
    baseline: v.pipe(text, v.description('what ratios are to')),
  }),
  note: v.exactOptional(
    v.pipe(text, v.description('what else there is to know, such as who shared the machine')),
  ),
  stopped: v.pipe(v.boolean(), v.description('ended early by a signal')),
  peak: v.object({
    device: v.pipe(text, v.description('what it was measured with, on one thread')),
    gflops: v.pipe(v.nullable(number), v.description('median over all rounds')),
  }),
  workloads: v.array(
    v.object({
      workload,
      flops: v.pipe(number, v.description('useful operations of one run')),
      peakGflops: v.pipe(v.array(number), v.description('of one core, in each round')),
    }),
  ),
  rows: v.array(row),
  growth: v.pipe(
    v.array(
      v.object({
        contestant: text,
        exponent: v.nullable(number),
        lengths: v.array(count),
      }),
    ),
    v.description('the exponent p of peakBytes = c + a · N^p, fitted over dense attention'),
  ),
});

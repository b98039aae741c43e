import { checkOptions, flag, integer, oneOf, required } from '@heed/core/backend';
import { denseHeads } from '../results/results.ts';
import type { BenchResults } from '../results/schema.ts';
import { workload } from '../workload/workload.ts';
import { type Line, lineChart } from './line-chart.ts';
import { LIMIT, shortName, stylesOf } from './palette.ts';

/** Figure that a chart shows over the sequence length. */
export type Figure = 'time' | 'speed' | 'memory';

/** Options of {@link lengthChart}. */
export interface ChartOptions {
  readonly figure: Figure;
  /** True for the causal workloads, false for the dense ones. */
  readonly causal: boolean;
  /** Width of the picture, in pixels. Default 720. */
  readonly width?: number;
  /** Height of the picture, in pixels. Default 420. */
  readonly height?: number;
}

type Row = BenchResults['rows'][number];

const FIGURES: Readonly<
  Record<
    Figure,
    {
      readonly name: string;
      readonly of: (row: Row) => number | null;
      readonly tick: (value: number) => string;
    }
  >
> = {
  time: { name: 'Time', of: ({ medianMs }) => medianMs, tick: timeTick },
  speed: { name: 'Speed', of: ({ gflops }) => gflops, tick: (value) => `${value}` },
  memory: { name: 'Memory', of: ({ peakBytes }) => peakBytes && peakBytes / 2 ** 20, tick: size },
};

/**
 * Contestants over the sequence length, both axes logarithmic, as an SVG whose colors are the custom properties of
 * {@link chartStyle}. Null if fewer than two lengths were measured.
 *
 * @throws HeedError `ARGUMENT` or `UNKNOWN_OPTION`.
 */
export function lengthChart(results: BenchResults, options: ChartOptions): string | null {
  checkOptions('lengthChart()', options, {
    figure: required(oneOf(...Object.keys(FIGURES))),
    causal: required(flag),
    width: integer(1),
    height: integer(1),
  });
  const rows = rowsOverLength(results, options.causal);
  const series = seriesOf(results, rows, FIGURES[options.figure].of);
  const lengths = series.flatMap(({ points }) => points.map(([length]) => length));
  const [shortest, longest] = [Math.min(...lengths), Math.max(...lengths)];
  if (!(shortest < longest)) return null;
  const { figure, causal, width = 720, height = 420 } = options;
  const peak = figure === 'speed' ? peakOf(results) : null;
  const limits =
    peak === null
      ? []
      : [
          {
            name: 'peak of 128-bit SIMD',
            style: LIMIT,
            points: [
              [shortest, peak],
              [longest, peak],
            ] as const,
          },
        ];
  return lineChart([...series, ...limits], {
    label: `${FIGURES[figure].name} over the sequence length, ${causal ? 'causal' : 'dense'} attention`,
    width,
    height,
    names: 'legend',
    xTitle: 'sequence length N',
    yTick: FIGURES[figure].tick,
  });
}

/** Rows of plain or causal attention that differ in nothing but the length. */
export function rowsOverLength({ rows, workloads }: BenchResults, causal: boolean): Row[] {
  const heads = denseHeads(workloads.map((one) => one.workload));
  if (heads === null) return [];
  return rows.filter((row) => row.workload === workload({ length: row.length, heads, causal }).name);
}

/** Lines of the contestants that were measured, in the order of the results. */
function seriesOf(results: BenchResults, rows: readonly Row[], valueOf: (row: Row) => number | null): Line[] {
  const contestants = [...new Set(results.rows.map(({ contestant }) => contestant))];
  const styles = stylesOf(contestants, results.settings.baseline);
  return contestants.flatMap((contestant) => {
    const points = rows
      .filter((row) => row.contestant === contestant)
      .flatMap((row): (readonly [number, number])[] => {
        const value = valueOf(row);
        return value === null || value <= 0 ? [] : [[row.length, value]];
      });
    return points.length === 0
      ? []
      : [{ name: shortName(contestant), style: styles.get(contestant)!, points }];
  });
}

/** Peak of all threads together. */
function peakOf({ peak, settings }: BenchResults): number | null {
  return peak.gflops && peak.gflops * settings.threads;
}

/** Milliseconds on an axis, in the unit that reads best: `20 µs`, `5 ms`, `1 s`. */
export function timeTick(milliseconds: number): string {
  if (milliseconds < 1) return `${Number((milliseconds * 1000).toPrecision(3))} µs`;
  return milliseconds < 1000 ? `${milliseconds} ms` : `${milliseconds / 1000} s`;
}

function size(megabytes: number): string {
  return megabytes < 1000 ? `${megabytes} MB` : `${megabytes / 1000} GB`;
}

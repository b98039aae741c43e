import { checkOptions, flag, integer, oneOf, required } from '@heed/core/backend';
import { LineChart } from 'echarts/charts';
import { GridComponent, LegendComponent, MarkLineComponent } from 'echarts/components';
import { type EChartsCoreOption, init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { denseHeads } from '../results/results.ts';
import type { BenchResults } from '../results/schema.ts';
import { workload } from '../workload/workload.ts';
import { type SeriesStyle, shortName, stylesOf } from './palette.ts';

use([LineChart, GridComponent, LegendComponent, MarkLineComponent, SVGRenderer]);

/** What a chart shows over the sequence length. */
export type Figure = 'time' | 'speed' | 'memory';

export interface ChartOptions {
  readonly figure: Figure;
  readonly causal: boolean;
  readonly width?: number;
  readonly height?: number;
}

type Row = BenchResults['rows'][number];

const FIGURES: Readonly<
  Record<Figure, { readonly of: (row: Row) => number | null; readonly tick: (value: number) => string }>
> = {
  time: { of: ({ medianMs }) => medianMs, tick: duration },
  speed: { of: ({ gflops }) => gflops, tick: (value) => `${value}` },
  memory: { of: ({ peakBytes }) => peakBytes && peakBytes / 2 ** 20, tick: size },
};

const FONT_SIZE = 13;
const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";

/**
 * Contestants over the sequence length, both axes logarithmic, as an SVG whose colours are the custom properties of
 * {@link chartStyle}. Null when fewer than two lengths were measured.
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
  if (new Set(series.flatMap(({ points }) => points.map(([length]) => length))).size < 2) return null;
  const { width = 720, height = 420 } = options;
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height });
  try {
    chart.setOption(chartOption(series, { ...options, width }, peakOf(results)));
    return chart.renderToSVGString();
  } finally {
    chart.dispose();
  }
}

/** Rows of plain or causal attention that differ in nothing but the length. */
export function rowsOverLength({ rows, workloads }: BenchResults, causal: boolean): Row[] {
  const heads = denseHeads(workloads.map((one) => one.workload));
  if (heads === null) return [];
  return rows.filter((row) => row.workload === workload({ length: row.length, heads, causal }).name);
}

interface Series {
  readonly name: string;
  readonly style: SeriesStyle;
  readonly points: readonly (readonly [length: number, value: number])[];
}

/** Best at the longest length first: the order of the legend is that of the lines' ends. */
function seriesOf(
  results: BenchResults,
  rows: readonly Row[],
  valueOf: (row: Row) => number | null,
): Series[] {
  const contestants = [...new Set(results.rows.map(({ contestant }) => contestant))];
  const styles = stylesOf(contestants, results.settings.baseline);
  return contestants.flatMap((contestant) => {
    const points = rows
      .filter((row) => row.contestant === contestant)
      .flatMap((row): (readonly [number, number])[] => {
        const value = valueOf(row);
        return value === null || value <= 0 ? [] : [[row.length, value]];
      });
    return points.length === 0 ? [] : [{ name: contestant, style: styles.get(contestant)!, points }];
  });
}

/** What all threads together could compute at most. */
function peakOf({ peak, settings }: BenchResults): number | null {
  return peak.gflops && peak.gflops * settings.threads;
}

function chartOption(
  series: readonly Series[],
  { figure, width }: ChartOptions & { readonly width: number },
  peak: number | null,
): EChartsCoreOption {
  const label = { color: 'var(--chart-quiet)', fontSize: FONT_SIZE };
  const line = { lineStyle: { color: 'var(--chart-line)' } };
  const lengths = series.flatMap(({ points }) => points.map(([length]) => length));
  const values = series.flatMap(({ points }) => points.map(([, value]) => value));
  return {
    animation: false,
    textStyle: { fontFamily: FONT },
    grid: { left: 64, right: 262, top: 16, bottom: 52 },
    legend: {
      orient: 'vertical',
      selectedMode: false,
      left: width - 246,
      top: 8,
      itemWidth: 26,
      itemHeight: 9,
      itemGap: 9,
      textStyle: { color: 'var(--chart-ink)', fontSize: FONT_SIZE },
      data: series.map(({ name }) => ({ name: shortName(name) })),
    },
    xAxis: {
      type: 'log',
      logBase: 2,
      min: Math.min(...lengths),
      max: Math.max(...lengths),
      name: 'sequence length N',
      nameLocation: 'middle',
      nameGap: 32,
      nameTextStyle: label,
      axisLabel: { ...label, formatter: (value: number) => `${Math.round(value)}`, hideOverlap: true },
      axisLine: { ...line, onZero: false },
      axisTick: { show: false },
      splitLine: { show: false },
    },
    yAxis: {
      type: 'log',
      min: roundBelow(Math.min(...values)),
      max: roundAbove(Math.max(...values, figure === 'speed' ? (peak ?? 0) : 0)),
      axisLabel: { ...label, formatter: FIGURES[figure].tick },
      axisLine: { show: false },
      splitLine: line,
    },
    series: [
      ...series.map(({ name, style, points }) => ({
        type: 'line',
        name: shortName(name),
        silent: true,
        emphasis: { disabled: true },
        data: points,
        lineStyle: { color: style.color, width: style.width, type: style.dash },
        itemStyle: { color: style.color },
        symbol: style.symbol,
        symbolSize: style.width > 2 ? 8 : 6,
        z: style.width > 2 ? 3 : 2,
      })),
      ...(figure === 'speed' && peak !== null ? [peakLine(peak)] : []),
    ],
  };
}

function peakLine(peak: number): object {
  return {
    type: 'line',
    data: [],
    markLine: {
      silent: true,
      symbol: 'none',
      animation: false,
      data: [{ yAxis: peak }],
      lineStyle: { color: 'var(--chart-ink)', type: 'dashed', width: 1 },
      label: {
        position: 'insideEndTop',
        formatter: 'peak of 128-bit SIMD',
        color: 'var(--chart-ink)',
        fontSize: 12,
      },
    },
  };
}

/** The next of 1, 2, 5, 10, 20, 50 … below, and above. */
function roundBelow(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * [5, 2, 1].find((digit) => digit * power <= value)!;
}

function roundAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * [1, 2, 5, 10].find((digit) => digit * power >= value)!;
}

function duration(milliseconds: number): string {
  if (milliseconds < 1) return `${Number((milliseconds * 1000).toPrecision(3))} µs`;
  return milliseconds < 1000 ? `${milliseconds} ms` : `${milliseconds / 1000} s`;
}

function size(megabytes: number): string {
  return megabytes < 1000 ? `${megabytes} MB` : `${megabytes / 1000} GB`;
}

import { type ChartOptions, lengthChart, rowsOverLength } from '../charts/length-chart.ts';
import { chartStyle, isHeeds } from '../charts/palette.ts';
import type { Row } from '../measure/measure.ts';
import { denseHeads } from '../results/results.ts';
import type { BenchResults } from '../results/schema.ts';

/** A picture for a document: a file name and an SVG that stands by itself. */
export interface Picture {
  readonly name: string;
  readonly svg: string;
}

const PICTURES: Readonly<Record<string, ChartOptions>> = {
  'dense-speed': { figure: 'speed', causal: false },
  'dense-time': { figure: 'time', causal: false },
  'dense-memory': { figure: 'memory', causal: false },
  'causal-speed': { figure: 'speed', causal: true },
};

/** Draws the pictures of documents from a results file. */
export function picturesOf(results: BenchResults): Picture[] {
  return Object.entries(PICTURES).flatMap(([name, options]) => {
    const svg = lengthChart(results, { ...options, width: 860, height: 430 });
    return svg === null ? [] : [{ name: `${name}.svg`, svg: standalone(svg) }];
  });
}

/** Adds colors and a background to an SVG. */
function standalone(svg: string): string {
  const page = '<rect width="100%" height="100%" rx="12" fill="var(--chart-page)"/>';
  return `${svg.replace(/^<svg[^>]*>/, (open) => `${open}<style>${chartStyle}</style>${page}`)}\n`;
}

/** Lengths of the table in documents. */
const TABLE_LENGTHS = [512, 2048, 8192, 16384];

/** Dense attention as a table in Markdown, with the machine that it was measured on above it. */
export function tableOf(results: BenchResults, folder: string): string {
  const rows = rowsOverLength(results, false);
  const lengths = TABLE_LENGTHS.filter((length) => rows.some((row) => row.length === length));
  const contestants = [...new Set(rows.map(({ contestant }) => contestant))].filter((contestant) =>
    rows.some((row) => row.contestant === contestant && row.device !== null),
  );
  const find = (contestant: string, length: number): Row | undefined =>
    rows.find((row) => row.contestant === contestant && row.length === length);
  const speed = (contestant: string): number =>
    Math.max(0, ...lengths.map((length) => find(contestant, length)?.gflops ?? 0));
  const lines = contestants
    .sort((a, b) => speed(b) - speed(a))
    .map((contestant) => {
      const device = rows.find((row) => row.contestant === contestant && row.device !== null)!.device!;
      const name = isHeeds(contestant) ? `**${contestant}**` : contestant;
      const cells = lengths.map((length) => cellOf(find(contestant, length)));
      return `| ${[name, device, ...cells, growthOf(results, contestant)].join(' | ')} |`;
    });
  return [
    aboutOf(results),
    '',
    `| float32, B=1 H=${denseHeads(results.workloads.map((one) => one.workload))} D=64 | ran on | ${lengths.map((length) => `N = ${length}`).join(' | ')} | memory grows like |`,
    `| --- | --- | ${lengths.map(() => '---:').join(' | ')} | --- |`,
    ...lines,
    '',
    `![GFLOP/s over the sequence length](${folder}dense-speed.svg)`,
  ].join('\n');
}

function cellOf(row: Row | undefined): string {
  if (row === undefined) return '';
  if (row.medianMs === null) return row.status;
  return `${millisecondsOf(row.medianMs)} (${row.gflops!.toPrecision(3)})`;
}

function millisecondsOf(milliseconds: number): string {
  if (milliseconds < 1) return `${(1000 * milliseconds).toPrecision(3)} µs`;
  return milliseconds < 1000
    ? `${milliseconds.toPrecision(3)} ms`
    : `${(milliseconds / 1000).toPrecision(3)} s`;
}

function growthOf({ growth }: BenchResults, contestant: string): string {
  const exponent = growth.find((one) => one.contestant === contestant)?.exponent ?? null;
  return exponent === null ? '–' : `N^${exponent.toFixed(1)}`;
}

function aboutOf({ machine, startedAt, settings, peak, note }: BenchResults): string {
  const threads = settings.threads === 1 ? 'one thread' : `${settings.threads} threads`;
  const limit =
    peak.gflops === null ? '' : ` One core's peak in 128-bit SIMD was ${peak.gflops.toFixed(0)} GFLOP/s.`;
  return [
    `Dense attention, ${threads}, the median of one run (GFLOP/s of useful work in parentheses), on ${machine.cores} × `,
    `${machine.cpu}, ${machine.os}, Node ${machine.node}, ${startedAt.slice(0, 10)}.${limit}`,
    note === undefined ? '' : ` ${note}`,
  ].join('');
}

const BEGIN =
  '<!-- begin: made by `pnpm --filter @heed/benchmarks figures`, from the newest file in benchmarks/results -->';
const END = '<!-- end -->';

/** Replaces the part of a document between its marks. @throws Error if it has no marks. */
export function withTable(document: string, table: string): string {
  const [begin, end] = [document.indexOf(BEGIN), document.indexOf(END)];
  if (begin === -1 || end < begin)
    throw new Error(`the document has no part between "${BEGIN}" and "${END}"`);
  return `${document.slice(0, begin + BEGIN.length)}\n${table}\n${document.slice(end)}`;
}

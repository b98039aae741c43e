import type { BenchResults, Row } from '@heed/benchmarks';
import type { Console } from './console.ts';
import { duration } from './numbers.ts';
import { plain } from './plain.ts';
import { columns } from './table.ts';

const HEADS = ['', 'median', '± half the middle', 'GFLOP/s', 'of peak', 'ratio', 'memory', 'threads'];
const ALIGN = ['left', 'right', 'right', 'right', 'right', 'right', 'right', 'right'] as const;

/** Renders a block for each workload: measured contestants, the fastest first, then the others with the reason. */
export function renderBench(results: BenchResults, console: Console): string {
  const { colors } = console;
  const { machine, settings, peak, rows, workloads } = results;
  const absent = absentOf(rows);
  const blocks = workloads.map(({ workload }) => {
    const own = rows.filter((row) => row.workload === workload.name && !absent.has(row.contestant));
    const measured = own
      .filter(({ medianMs }) => medianMs !== null)
      .sort((a, b) => a.medianMs! - b.medianMs!);
    const lines = columns(
      [
        [`${workload.name}`, ...HEADS.slice(1)].map((text, at) =>
          at === 0 ? colors.bold(text) : colors.dim(text),
        ),
        ...measured.map((row) => cellsOf(row, results, console)),
      ],
      ALIGN,
    );
    return [
      ...lines,
      ...own.filter(({ medianMs }) => medianMs === null).map((row) => reasonOf(row, console)),
    ].join('\n');
  });
  const about = [
    `${machine.cores} × ${machine.cpu}, ${machine.os}, Node ${machine.node}; ${threadsAsked(settings.threads)}`,
    peak.gflops === null ? '' : `peak of one core: ${peak.gflops.toFixed(1)} GFLOP/s (${peak.device})`,
    `ratio: times as fast as ${settings.baseline}`,
  ].filter(Boolean);
  return [
    ...blocks,
    renderGrowth(results, console),
    renderAbsent(absent, console),
    about.map((line) => colors.dim(`  ${plain(line)}`)).join('\n'),
    results.stopped ? colors.yellow('  stopped early: what was measured until then') : '',
  ]
    .filter(Boolean)
    .join('\n\n');
}

/** Number of requested threads as text: `one thread asked for`. */
export function threadsAsked(threads: number): string {
  return threads === 1 ? 'one thread asked for' : `${threads} threads asked for`;
}

function cellsOf(row: Row, { peak, settings }: BenchResults, { colors }: Console): string[] {
  const { contestant, medianMs, quartilesMs, gflops, ratio, peakBytes, threads } = row;
  const spread = (quartilesMs![1] - quartilesMs![0]) / 2 / medianMs!;
  const name = contestant.startsWith('@heed/') ? colors.cyan(plain(contestant)) : plain(contestant);
  return [
    `  ${name}`,
    duration(medianMs!),
    `${(100 * spread).toFixed(0)}%`,
    gflops!.toPrecision(3),
    peak.gflops === null
      ? ''
      : `${((100 * gflops!) / peak.gflops / (threads ?? settings.threads)).toFixed(0)}%`,
    ratio === null ? '' : `${ratio.toPrecision(3)}×`,
    peakBytes === null ? '' : `${(peakBytes / 2 ** 20).toFixed(0)} MB`,
    threads === null ? '' : String(threads),
  ];
}

function reasonOf({ contestant, status, reason }: Row, { colors }: Console): string {
  const paint = status === 'wrong' || status === 'failed' ? colors.red : colors.dim;
  return `    ${plain(contestant)}: ${paint(status)}${colors.dim(`, ${plain(reason ?? '')}`)}`;
}

/** Contestants that are unavailable in every workload, with a row that says why. */
function absentOf(rows: readonly Row[]): Map<string, Row> {
  const absent = new Map<string, Row>();
  for (const row of rows) if (row.status === 'unavailable') absent.set(row.contestant, row);
  for (const row of rows) if (row.status !== 'unavailable') absent.delete(row.contestant);
  return absent;
}

function renderAbsent(absent: ReadonlyMap<string, Row>, { colors }: Console): string {
  if (absent.size === 0) return '';
  const lines = Array.from(absent.values(), ({ contestant, reason, remedy }) =>
    [
      `    ${plain(contestant)}: ${colors.dim(plain(reason ?? ''))}`,
      ...(remedy === undefined ? [] : [colors.dim(`      → ${plain(remedy)}`)]),
    ].join('\n'),
  );
  return [`  ${colors.bold('Not here')}`, ...lines].join('\n');
}

function renderGrowth({ growth }: BenchResults, { colors }: Console): string {
  const known = growth.filter(({ exponent }) => exponent !== null).sort((a, b) => a.exponent! - b.exponent!);
  if (known.length === 0) return '';
  const lines = columns(
    known.map(({ contestant, exponent, lengths }) => [
      `  ${plain(contestant)}`,
      `N^${exponent!.toFixed(2)}`,
      colors.dim(`N = ${lengths[0]} … ${lengths.at(-1)}`),
    ]),
  );
  return [`  ${colors.bold('Peak memory grows like')}`, ...lines].join('\n');
}

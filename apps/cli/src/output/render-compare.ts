import type { Comparison, ComparisonReport } from '@heed/benchmarks';
import type { Console } from './console.ts';
import { duration } from './numbers.ts';
import { plain } from './plain.ts';
import { columns } from './table.ts';

/** Renders what became slower or faster, then the size of the rest. */
export function renderComparison(report: ComparisonReport, console: Console): string {
  const { colors } = console;
  const { rows, unpaired, differences, calibration, significance } = report;
  const flagged = rows.filter(({ verdict }) => verdict !== null).sort((a, b) => b.change - a.change);
  const heads = ['', '', 'old', 'new', 'change', 'p'].map((text) => colors.dim(text));
  const table = flagged.length === 0 ? [] : columns([heads, ...flagged.map((row) => cellsOf(row, console))]);
  const slower = flagged.filter(({ verdict }) => verdict === 'slower').length;
  const verdict = slower === 0 ? colors.green('✓ nothing is slower') : colors.red(`✗ ${slower} slower`);
  const faster = flagged.length - slower;
  return [
    table.join('\n'),
    unpaired
      .map((row) => `  ${plain(row.contestant)} on ${row.workload}: ${row.old} before, ${row.new} now`)
      .join('\n'),
    differences.map((text) => colors.yellow(`  ${plain(text)}`)).join('\n'),
    `  ${verdict}${faster > 0 ? `, ${faster} faster` : ''}, of ${rows.length} rows`,
    colors.dim(
      `  Flagged: over 10%, p < ${significance.toExponential(1)}. Times are relative to the peak, now ${calibration.toFixed(3)} of the old one; a change counts where waiting for a processor does not explain it.`,
    ),
  ]
    .filter(Boolean)
    .join('\n\n');
}

function cellsOf(
  { workload, contestant, oldMs, newMs, change, p, verdict }: Comparison,
  { colors }: Console,
): string[] {
  const paint = verdict === 'slower' ? colors.red : colors.green;
  return [
    plain(workload),
    plain(contestant),
    duration(oldMs),
    duration(newMs),
    paint(`${change >= 1 ? '+' : '−'}${Math.abs(100 * (change - 1)).toFixed(0)}%`),
    p.toExponential(0),
  ];
}

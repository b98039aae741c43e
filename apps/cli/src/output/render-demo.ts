import type { Row } from '@heed/benchmarks';
import { toTerminal } from '@heed/heatmap';
import { type Agreement, shareOfBound } from '../demo/agreement.ts';
import { HEAD, LAYER, type Example, sharedDomain, viewOf } from '../demo/example.ts';
import type { Speed } from '../demo/speed.ts';
import type { Console } from './console.ts';
import { duration, percent } from './numbers.ts';
import { plain } from './plain.ts';
import { columns } from './table.ts';

const BAR_WIDTH = 24;

/** A section's title, and a line on what it shows. */
export function heading(title: string, about: string, { colors }: Console): string {
  return `\n${colors.bold(title)}\n${colors.dim(about)}\n`;
}

export function renderAgreement(agreement: readonly Agreement[], { colors }: Console): string {
  if (agreement.length === 0) return '  no backend but the reference itself is available here';
  return agreement
    .flatMap(({ backend, agrees, worst, layers, failures }) => {
      const mark = agrees ? colors.green('✓') : colors.red('✗');
      const name = `  ${mark} ${colors.bold(plain(backend))}`;
      if (!agrees) return [name, ...failures.slice(0, 3).map((failure) => `    ${plain(failure)}`)];
      const error = worst?.error?.toExponential(1) ?? 'none';
      const shares = layers.map((layer) => percent(shareOfBound(layer.worst))).join('  ');
      return [
        `${name}  largest error ${error}, ${percent(shareOfBound(worst))} of its bound`,
        colors.dim(`    layer by layer: ${shares}`),
      ];
    })
    .join('\n');
}

/** Renders the sentences' heatmaps: side by side if there is room for all their numbers. */
export function renderExamples(examples: readonly Example[], console: Console): string {
  const { colors, depth, width } = console;
  const domain = sharedDomain(examples);
  const blocksWithin = (columnsWide: number): string[] =>
    examples.map((example) => {
      const picture = toTerminal(viewOf(example, domain), { color: depth, columns: columnsWide });
      const claim = colors.bold(`${example.from} → ${example.to} ${example.weight.toFixed(3)}`);
      return `${picture}\n\n  ${claim}, no other token gets more`;
    });
  const beside = blocksWithin(Math.floor(width / examples.length) - 2);
  // Cells show numbers only where they fit.
  if (beside.every((block) => block.includes('[.'))) return columns([beside]).join('\n');
  return blocksWithin(width - 2)
    .map((block) => columns([[block]]).join('\n'))
    .join('\n\n');
}

export function aboutExamples(by: string): string {
  return `Layer ${LAYER}, head ${HEAD}, weights computed by ${plain(by)}: each row is a token, and shows where it looks.`;
}

/** Renders the contestants' times at each length, with bars whose length is their speed. */
export function renderSpeed({ rows }: Speed, { colors }: Console): string {
  const fastest = Math.max(1, ...rows.map(({ ratio }) => ratio ?? 0));
  const cells = rows.map((row, index) => {
    const first = rows[index - 1]?.length !== row.length;
    const paint = row.ratio === 1 ? colors.dim : colors.cyan;
    return [
      first ? `N = ${row.length}` : '',
      plain(row.contestant),
      row.medianMs === null ? row.status : duration(row.medianMs),
      `${paint(bar((row.ratio ?? 0) / fastest))} ${verdict(row)}`.trim(),
    ];
  });
  return columns(cells, ['right', 'left', 'right', 'left']).join('\n');
}

function verdict({ ratio, reason }: Row): string {
  if (ratio === null) return plain(reason ?? '');
  return ratio === 1 ? '1×' : `${ratio.toFixed(1)}×`;
}

export function aboutSpeed({ shape, baseline, rounds }: Speed): string {
  return `${shape}; times as fast as the plain ${baseline}, medians of ${rounds} interleaved rounds.`;
}

/** A bar of eighths of a column. */
function bar(share: number): string {
  const eighths = Math.round(share * BAR_WIDTH * 8);
  const rest = eighths % 8;
  return '█'.repeat(Math.floor(eighths / 8)) + (rest === 0 ? '' : ' ▏▎▍▌▋▊▉'[rest]!);
}

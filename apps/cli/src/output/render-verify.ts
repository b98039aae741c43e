import type { CaseReport, ClauseReport, NotCovered, Worst } from '@heed/conformance';
import type { Verified } from '../backends/verify-backend.ts';
import type { Console } from './console.ts';
import { plain } from './plain.ts';
import { columns } from './table.ts';

/** Number of failures of one clause that are printed; `--json` has them all. */
const TOLD = 5;

/** Width of the table before the name of the case, and the shortest length that a name is cut to. */
const TABLE_WIDTH = 78;
const LEAST_NAME = 40;

/** A table of clauses, the failures, and a line that sums up. */
export function renderVerified(result: Verified, console: Console): string {
  const { colors } = console;
  const origin = result.package === null ? '' : `  ${result.package} ${result.version ?? ''}`.trimEnd();
  const head = `${colors.bold(plain(result.name))}  ${plain(result.device ?? '')}${colors.dim(origin)}`;
  const parts = [
    [head],
    clauseTable(result.clauses, console),
    result.clauses
      .filter(({ failures }) => failures.length > 0)
      .flatMap((clause) => failuresOf(clause, console)),
    disagreementOf(result, console),
    result.error === undefined ? [] : [`  ${colors.red('✗')} ${plain(result.error.message)}`],
    notCoveredOf(result.notCovered ?? [], console),
    [summary(result, console)],
  ];
  return `${parts
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

function clauseTable(clauses: readonly ClauseReport[], { colors, width }: Console): string[] {
  const counted = clauses.filter(
    ({ passed, failed, refused, notGuaranteed }) => passed + failed + refused + notGuaranteed > 0,
  );
  if (counted.length === 0) return [];
  const number = (count: number, paint: (text: string) => string): string =>
    count === 0 ? colors.dim('·') : paint(String(count));
  const rows = counted.map(({ clause, passed, failed, refused, notGuaranteed, worst }) => [
    failed > 0 ? colors.red(clause) : clause,
    number(passed, String),
    number(failed, colors.red),
    number(refused, colors.yellow),
    number(notGuaranteed, colors.yellow),
    ...worstCells(worst, width - TABLE_WIDTH).map((cell) => (failed > 0 ? cell : colors.dim(cell))),
  ]);
  const heads = [
    'clause',
    'passed',
    'failed',
    'refused',
    'no promise',
    'largest error',
    'of bound',
    'in the case',
  ];
  const align = ['left', 'right', 'right', 'right', 'right', 'right', 'right', 'left'] as const;
  return columns([heads.map((text) => colors.dim(text)), ...rows], align);
}

function worstCells(worst: Worst | null, space: number): [error: string, share: string, where: string] {
  if (worst === null) return ['', '', ''];
  const where = cut(`${plain(worst.case)} ${plain(worst.tensor)}`, Math.max(LEAST_NAME, space));
  if (worst.error === null) return ['not finite', '', where];
  if (worst.error === 0) return ['0', '0%', where];
  return [worst.error.toExponential(1), `${((100 * worst.error) / worst.bound).toFixed(0)}%`, where];
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

function failuresOf({ failures }: ClauseReport, { colors }: Console): string[] {
  const told = failures
    .slice(0, TOLD)
    .flatMap(({ id, purpose, message }) => [
      `  ${colors.red('✗')} ${colors.bold(plain(id))}`,
      ...(purpose === null ? [] : [colors.dim(`    ${plain(purpose)}`)]),
      `    ${plain(message)}`,
    ]);
  const rest = failures.length - TOLD;
  return rest > 0
    ? [...told, colors.dim(`    … and ${rest} more in this clause; --json tells them all`)]
    : told;
}

function disagreementOf({ fuzz }: Verified, { colors }: Console): string[] {
  if (fuzz === undefined || fuzz.disagreement === null) return [];
  const { message, file } = fuzz.disagreement;
  return [
    `  ${colors.red('✗')} ${plain(message)}`,
    `    the smallest such problem, as a case file: ${file}`,
    colors.dim(`    again with --seed ${fuzz.seed}; alone with --cases ${file}`),
  ];
}

function notCoveredOf(notCovered: readonly NotCovered[], { colors }: Console): string[] {
  if (notCovered.length === 0) return [];
  const lines = notCovered
    .slice(0, TOLD)
    .map(({ id, what, reason }) => `    ${plain(`${id} ${what}: ${reason}`)}`);
  const rest = notCovered.length - TOLD;
  return [
    `  in the case files, and not checked: ${notCovered.length}`,
    ...[...lines, ...(rest > 0 ? [`    … and ${rest} more; --json tells them all`] : [])].map((line) =>
      colors.dim(line),
    ),
  ];
}

function summary(result: Verified, { colors }: Console): string {
  const { refused, notGuaranteed, expectedFailures, seconds, fuzz } = result;
  const what = fuzz === undefined ? 'passed' : `problems agreed (seed ${fuzz.seed})`;
  const leftOut = result.clauses.flatMap(({ cases }) => cases).filter(isLeftOut);
  const counts = [
    verdict(result, what, colors),
    ...(refused > 0 ? [`${refused} refused, as not declared`] : []),
    ...(notGuaranteed > 0 ? [`${notGuaranteed} not guaranteed`] : []),
    ...(expectedFailures > 0 ? [`${expectedFailures} failed as expected`] : []),
    ...(leftOut.length > 0 ? [`${leftOut.length} left out, as they need ${needed(leftOut)}`] : []),
  ];
  return `  ${counts.join(', ')}${colors.dim(`  ${seconds.toFixed(1)} s`)}`;
}

function verdict(
  { passed, failed, expectedFailures }: Verified,
  what: string,
  colors: Console['colors'],
): string {
  if (failed > 0) return `${colors.red(`✗ ${failed} failed`)}, ${passed} ${what}`;
  if (passed + expectedFailures > 0) return colors.green(`✓ ${passed} ${what}`);
  return colors.yellow('– nothing was computed');
}

function isLeftOut({ status }: CaseReport): boolean {
  return status === 'notApplicable';
}

/** Describes undeclared features that cases need, in a few words. */
function needed(cases: readonly CaseReport[]): string {
  const names = [...new Set(cases.flatMap(({ missing = [] }) => missing))];
  const rest = names.length - TOLD;
  return `${names.slice(0, TOLD).join(', ')}${rest > 0 ? ` or ${rest} other features` : ''}`;
}

import { type FailureClass, FAILURE_CLASSES, expectedList } from '../expected/expected-list.ts';
import type { Cell, Judged } from './judge-peer.ts';

const MARKS: Readonly<Record<FailureClass, string>> = {
  defect: '✗',
  difference: '≠',
  precision: '≈',
  unspecified: '?',
  inexpressible: '∅',
};

const MEANINGS: Readonly<Record<FailureClass, string>> = {
  defect: 'defect: contradicts its documentation or the standard that it implements',
  difference: 'difference: its documentation says that it does otherwise',
  precision: "precision: right, with a larger error than the suite's bound",
  unspecified: 'unspecified: no documentation settles what is right; the suite does',
  inexpressible: 'inexpressible: its interface has no words for the combination',
};

/** `COMPATIBILITY.md`: clauses × libraries, and a sentence for each difference. */
export function compatibilityPage(judged: readonly Judged[]): string {
  const clauses = [...new Set(judged.flatMap(({ cells }) => cells.map(({ clause }) => clause)))];
  const head = ['clause', ...judged.map(({ name }) => `[${name}](#${name})`)];
  const rows = clauses.map((clause) => [
    `[${clause}](../SPEC.md#${clause.toLowerCase()})`,
    ...judged.map(({ cells }) => cellText(cells.find((cell) => cell.clause === clause))),
  ]);
  return [
    '# Compatibility',
    '',
    'What other libraries mean by attention, found by running the cases of the conformance suite on them. Made by',
    '`pnpm --filter @heed/peers matrix`; with the name of a library it renews that column alone.',
    '',
    'A number counts the cases that agree with the float64 reference within the clause `accuracy`; – is what the',
    "library's documentation does not offer. Each failure is on a checked list, with its reason below:",
    '',
    ...FAILURE_CLASSES.map((kind) => `- ${MARKS[kind]} ${MEANINGS[kind]}`),
    '',
    table([head, ...rows]),
    '',
    ...judged.flatMap(section),
  ].join('\n');
}

function cellText(cell: Cell | undefined): string {
  if (cell === undefined) return '–';
  const { passed, expected, unexpected } = cell;
  const parts = FAILURE_CLASSES.flatMap((kind) => (expected[kind] ? `${MARKS[kind]} ${expected[kind]}` : []));
  if (unexpected.length > 0) parts.push(`unlisted ${unexpected.length}`);
  if (passed === 0 && parts.length === 0) return '–';
  return [String(passed), ...parts].join(' · ');
}

function section(judged: Judged): string[] {
  const { name, operation, documentation, device, date, machine, node, seconds, sample, cells } = judged;
  const passed = cells.reduce((sum, cell) => sum + cell.passed, 0);
  const groups = expectedList(name);
  const failing = groups.reduce((sum, { cases }) => sum + cases.length, 0);
  return [
    `## ${name}`,
    '',
    `${device}: [\`${operation}\`](${documentation}). ${passed} cases agree, ${failing} do not${sample === null ? '' : `: a sample of ${sample} cases of the suite, those included that it does not declare`}.`,
    `${date}, ${seconds} s on ${machine}, Node ${node}. [Report](reports/${name}.md) and [badge](reports/${name}.svg).`,
    '',
    ...groups.map(({ class: kind, reason, source, defect, cases }) => {
      const shown = cases.length === 1 ? `\`${cases[0]}\`` : `${cases.length} cases, such as \`${cases[0]}\``;
      const links = defect === undefined ? '' : ` [Reproduction](defects/${defect}).`;
      return `- ${MARKS[kind]} ${reason}${source === undefined ? '' : ` (${source})`}${links} ${shown}.`;
    }),
    ...(groups.length > 0 ? [''] : []),
  ];
}

/** A Markdown table. */
function table(rows: readonly (readonly string[])[]): string {
  const [head, ...body] = rows as [readonly string[], ...(readonly string[])[]];
  return [head, head.map((_, at) => (at === 0 ? '---' : '---:')), ...body]
    .map((row) => `| ${row.join(' | ')} |`)
    .join('\n');
}

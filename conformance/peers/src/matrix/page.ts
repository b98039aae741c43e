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
  const all = [...new Set(judged.flatMap(({ cells }) => cells.map(({ clause }) => clause)))];
  const isOffered = (wanted: string): boolean =>
    judged.some(({ cells }) => cells.some((cell) => cell.clause === wanted && cellText(cell) !== '–'));
  const [clauses, nowhere] = [all.filter(isOffered), all.filter((clause) => !isOffered(clause))];
  const head = ['clause', ...judged.map(({ name }) => `[${name}](#${name})`)];
  const rows = clauses.map((clause) => [
    linkTo(clause),
    ...judged.map(({ cells }) => cellText(cells.find((cell) => cell.clause === clause))),
  ]);
  return [
    '# Compatibility',
    '',
    'What other libraries mean by attention, found by running the cases of the conformance suite on them. Clauses are those',
    `of SPEC.md of [\`@heed/conformance\`](${SPECIFICATION}). Made by \`pnpm --filter @heed/peers matrix\`; with the name of a`,
    'library it renews that column alone.',
    '',
    'A number counts the cases that agree with the float64 reference within the clause `accuracy`; – is what the',
    "library's documentation does not offer. Each failure is on a checked list, with its reason below:",
    '',
    ...FAILURE_CLASSES.map((kind) => `- ${MARKS[kind]} ${MEANINGS[kind]}`),
    '',
    table([head, ...rows]),
    '',
    ...(nowhere.length === 0
      ? []
      : [
          `No library here offers, or promises, what these clauses define: ${nowhere.map(linkTo).join(', ')}.`,
          '',
        ]),
    ...judged.flatMap(section),
  ].join('\n');
}

/** The specification is in another package: on npm the link leads there, and on the site to the clause. */
const SPECIFICATION = 'https://www.npmjs.com/package/@heed/conformance';
const linkTo = (clause: string): string => `[${clause}](${SPECIFICATION}#${clause.toLowerCase()})`;

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

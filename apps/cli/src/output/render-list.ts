import type { WorkloadSet } from '@heed/benchmarks';
import type { Console } from './console.ts';
import { plain } from './plain.ts';
import { columns } from './table.ts';

/** Renders clauses with the number of their cases, and the total. */
export function renderClauses(
  clauses: readonly { readonly clause: string; readonly cases: number }[],
  { colors }: Console,
): string {
  const rows = clauses.map(({ clause, cases }) => [clause, String(cases)]);
  const total = clauses.reduce((sum, { cases }) => sum + cases, 0);
  const heads = ['clause', 'cases'].map((text) => colors.bold(text));
  return columns([heads, ...rows, ['', String(total)]], ['left', 'right']).join('\n');
}

/** Renders cases, one per line, each with the mistake that it finds. */
export function renderCases(
  cases: readonly { readonly id: string; readonly purpose: string | null }[],
  { colors }: Console,
): string {
  return cases
    .map(
      ({ id, purpose }) => `  ${plain(id)}${purpose === null ? '' : `\n    ${colors.dim(plain(purpose))}`}`,
    )
    .join('\n');
}

export function renderWorkloads(sets: readonly WorkloadSet[], { colors }: Console): string {
  return sets
    .map(({ name, about, workloads }) =>
      [
        `  ${colors.bold(name)}  ${colors.dim(about)}`,
        ...workloads.map((workload) => `    ${workload.name}`),
      ].join('\n'),
    )
    .join('\n\n');
}

export function renderContestants(contestants: readonly string[], { colors }: Console): string {
  return `  ${colors.bold('contestants')}\n${contestants.map((name) => `    ${name}`).join('\n')}`;
}

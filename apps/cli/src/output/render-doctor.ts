import type { Machine } from '@heed/benchmarks';
import type { Diagnosis } from '../backends/diagnose.ts';
import { describeCapabilities } from './capabilities.ts';
import type { Console } from './console.ts';
import { plain } from './plain.ts';
import { columns } from './table.ts';

/** Two lines a backend: what it is, and what it computes or what is wrong with it. */
export function renderDiagnoses(diagnoses: readonly Diagnosis[], console: Console): string {
  const { colors } = console;
  const rows = diagnoses.map((diagnosis) => {
    const well = diagnosis.status === 'available';
    const mark = well ? colors.green('✓') : diagnosis.status === 'broken' ? colors.red('✗') : colors.yellow('–');
    const details = well
      ? [colors.dim(describeCapabilities(diagnosis.capabilities!))]
      : [plain(diagnosis.reason ?? ''), ...(diagnosis.remedy ? [colors.dim(`→ ${plain(diagnosis.remedy)}`)] : [])];
    return { mark, diagnosis, details };
  });
  const heads = columns(
    rows.map(({ mark, diagnosis }) => [
      `${mark} ${colors.bold(plain(diagnosis.name))}`,
      plain(diagnosis.device ?? diagnosis.status),
      colors.dim(origin(diagnosis)),
    ]),
  );
  return rows.flatMap(({ details }, index) => [heads[index]!, ...details.map((line) => `    ${line}`)]).join('\n');
}

function origin({ package: name, version }: Diagnosis): string {
  return name === null ? '' : `${name} ${version ?? ''}`;
}

/** What everything ran on, in one line. */
export function renderMachine({ cpu, cores, node, os }: Machine, { colors }: Console): string {
  return colors.dim(`\n  Node ${node}, ${os}, ${cores} × ${cpu}`);
}

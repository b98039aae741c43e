import type { Machine } from '@heed/benchmarks';
import type { Diagnosis } from '../backends/diagnose.ts';
import type { AbsentBackend } from '../backends/installed.ts';
import { describeCapabilities, describeOperations } from './capabilities.ts';
import type { Colors, Console } from './console.ts';
import { plain } from './plain.ts';
import { columns } from './table.ts';

/** Renders a line that names each backend, and one on what it computes or what is wrong with it. */
export function renderDiagnoses(diagnoses: readonly Diagnosis[], { colors }: Console): string {
  const idle = colors.yellow('–');
  const marks = { available: colors.green('✓'), unavailable: idle, missing: idle, broken: colors.red('✗') };
  const heads = columns(
    diagnoses.map((diagnosis) => [
      `${marks[diagnosis.status]} ${colors.bold(plain(diagnosis.name))}`,
      plain(diagnosis.device ?? diagnosis.status),
      colors.dim(origin(diagnosis)),
    ]),
  );
  return heads.map((head, index) => `${head}\n${detailsOf(diagnoses[index]!, colors)}`).join('\n');
}

function detailsOf({ capabilities, lastRun, reason, remedy }: Diagnosis, colors: Colors): string {
  if (capabilities !== null) {
    const measured =
      lastRun === undefined ? '' : `\n    a small run, in milliseconds and bytes: ${figures(lastRun)}`;
    const offers = `\n    ${describeOperations(capabilities)}`;
    return colors.dim(`    ${describeCapabilities(capabilities)}${offers}${measured}`);
  }
  const advice = remedy === null ? '' : colors.dim(`\n    → ${plain(remedy)}`);
  return `    ${plain(reason ?? '')}${advice}`;
}

/** Renders figures as their names have them: `bytesSent` becomes `bytes sent`. */
function figures(numbers: Readonly<Record<string, number>>): string {
  return Object.entries(numbers)
    .map(([name, value]) => {
      const words = name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
      return `${plain(words)} ${value < 100 ? Number(value.toPrecision(3)) : Math.round(value)}`;
    })
    .join(', ');
}

function origin({ package: name, version }: Diagnosis): string {
  return name === null ? '' : `${name} ${version ?? ''}`;
}

/** Renders a line for each backend that is not installed, with what it would bring and how. */
export function renderAbsent(absent: readonly AbsentBackend[], { colors }: Console): string {
  const rows = columns(
    absent.map(({ name, brings, remedy }) => [`  ${colors.bold(name)}`, brings, colors.dim(remedy)]),
  );
  return `\n  Not installed:\n${rows.join('\n')}`;
}

/** Renders the machine, in one line. */
export function renderMachine({ cpu, cores, node, os }: Machine, { colors }: Console): string {
  return colors.dim(`\n  Node ${node}, ${os}, ${cores} × ${cpu}`);
}

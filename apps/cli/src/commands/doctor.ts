import { Command } from 'commander';
import type { Diagnosis } from '../backends/diagnose.ts';
import { diagnoseAll } from '../backends/diagnose-all.ts';
import { absentBackends } from '../backends/installed.ts';
import type { Console, ExitCode } from '../output/console.ts';
import { renderAbsent, renderDiagnoses, renderMachine } from '../output/render-doctor.ts';
import { memoryOption, secondsOption } from './options.ts';

const HELP = `
A BACKEND is a short name (ts, reference), a package name, or the path of a module. Without one, doctor looks at the
backends of this project and at the dependencies of ./package.json that carry the keyword "heed-backend", and names
those of this project that are not installed, with what each would bring.

Each is examined in a process of its own: one that crashes or hangs is reported, nothing more.

Examples:
  $ heed doctor
  $ heed doctor ts
  $ heed doctor --json

Exit codes: 0 all that were found are in order (an engine that cannot run here is not a fault), 1 a backend is broken,
none can run, or one that was named cannot.`;

export function doctorCommand(console: Console, onEnd: (code: ExitCode) => void): Command {
  return new Command('doctor')
    .description('show which backends are installed, what they run on, and what is missing')
    .argument('[BACKEND...]', 'backends to look at')
    .addOption(secondsOption('--timeout <seconds>', 'time that a backend has for each step', 10))
    .addOption(memoryOption())
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action(async (names: string[], { timeout, memory }: { timeout: number; memory?: number }) => {
      const backends = await diagnoseAll(names, timeout, memory);
      const absent = names.length === 0 ? absentBackends() : [];
      const { machineFacts } = await import('@heed/benchmarks');
      const machine = machineFacts();
      console.print(renderDiagnoses(backends, console));
      if (absent.length > 0) console.print(renderAbsent(absent, console));
      console.print(renderMachine(machine, console));
      console.result({ machine, backends, absent });
      onEnd(isWell(backends, names.length > 0) ? 0 : 1);
    });
}

function isWell(backends: readonly Diagnosis[], named: boolean): boolean {
  const available = backends.filter(({ status }) => status === 'available').length;
  if (named) return available === backends.length;
  return available > 0 && backends.every(({ status }) => status !== 'broken');
}

import { fileURLToPath } from 'node:url';
import { HeedError } from '@heed/core';
import { Command, CommanderError } from 'commander';
import { benchCommand } from './commands/bench.ts';
import { compareCommand } from './commands/compare.ts';
import { doctorCommand } from './commands/doctor.ts';
import { demoCommand } from './commands/demo.ts';
import { heatmapCommand } from './commands/heatmap.ts';
import { listCommand } from './commands/list.ts';
import { verifyCommand } from './commands/verify.ts';
import { workerCommand } from './commands/worker.ts';
import { type Console, type ExitCode, openConsole } from './output/console.ts';
import { readManifest } from './backends/resolve.ts';

/** Runs the command line's words, without the first two of `process.argv`. Never rejects. */
export async function runProgram(words: readonly string[]): Promise<ExitCode> {
  const json = words.includes('--json');
  const console = openConsole(json);
  let code: ExitCode = 0;
  const program = createProgram(console, (ended) => {
    code = ended;
  });
  try {
    await program.parseAsync(words, { from: 'user' });
    return code;
  } catch (error) {
    return report(error, console);
  }
}

function createProgram(console: Console, onEnd: (code: ExitCode) => void): Command {
  const program = new Command('heed')
    .description('Attention backends: which run here, whether they are right, and what attention sees.')
    .version(
      readManifest(fileURLToPath(new URL('../package.json', import.meta.url)))?.version ?? 'unknown',
      '-v, --version',
    )
    .helpOption('-h, --help', 'explain a command')
    .helpCommand(false)
    .exitOverride()
    .configureOutput({ writeErr: (text) => void (console.json || process.stderr.write(text)) });
  const commands = [
    doctorCommand,
    verifyCommand,
    listCommand,
    demoCommand,
    heatmapCommand,
    benchCommand,
    compareCommand,
    workerCommand,
  ];
  for (const command of commands) {
    program.addCommand(command(console, onEnd).copyInheritedSettings(program));
  }
  return program.addHelpText('after', EXAMPLES);
}

const EXAMPLES = `
Examples:
  $ heed doctor                    which backends are installed, and what they run on
  $ heed verify wasm               the conformance suite on @heed/backend-wasm
  $ heed heatmap weights.npy       attention weights as a picture
  $ heed demo                      a real model's attention: agreement, a heatmap, speed, a report
  $ heed bench                     every backend and its peers, measured side by side
  $ heed compare old.json new.json what became slower or faster between two results of bench
  $ heed worker --backend native   a worker of a cluster that computes one attention on many machines
  $ heed list                      clauses and cases of the suite, workloads and contestants

Exit codes: 0 all is well, 1 a check failed, 2 wrong usage.`;

/** Reports an error: as one object in JSON mode, otherwise as text on standard error. */
function report(error: unknown, console: Console): ExitCode {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    // Commander has already printed its message, with a suggestion, except in JSON mode.
    const remedy = 'see heed --help, or heed COMMAND --help';
    console.result(new HeedError('ARGUMENT', error.message.replace(/^error: /, ''), { remedy }).toJSON());
    return 2;
  }
  const known = HeedError.isInstance(error);
  console.fail(known ? error : new HeedError('ENGINE', describe(error), { cause: error }));
  return known ? 2 : 1;
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

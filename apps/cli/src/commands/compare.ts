import { readFileSync } from 'node:fs';
import { HeedError } from '@heed/core';
import { Command } from 'commander';
import type { Console, ExitCode } from '../output/console.ts';

const HELP = `
OLD and NEW are results files of "heed bench". Flagged is what changed by more than 10%, seen from the peak of each run,
with and without the time that it waited for a processor, and beyond chance (p < 0.01 for all rows together).

Examples:
  $ heed compare results/old.json results/new.json
  $ heed compare results/old.json results/new.json --json

Exit codes: 0 nothing is slower, 1 something is, 2 wrong usage, or a file that cannot be read.`;

export function compareCommand(console: Console, onEnd: (code: ExitCode) => void): Command {
  return new Command('compare')
    .description('say what became slower or faster between two results files of bench')
    .argument('<OLD>', 'results file to compare with')
    .argument('<NEW>', 'results file to judge')
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action(async (old: string, fresh: string) => onEnd(await compare(old, fresh, console)));
}

async function compare(old: string, fresh: string, console: Console): Promise<ExitCode> {
  const { compareResults, parseResults } = await import('@heed/benchmarks');
  const { renderComparison } = await import('../output/render-compare.ts');
  const report = compareResults(parseResults(readText(old), old), parseResults(readText(fresh), fresh));
  console.print(renderComparison(report, console));
  console.result(report);
  return report.rows.some(({ verdict }) => verdict === 'slower') ? 1 : 0;
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new HeedError('ARGUMENT', `${file} cannot be read: ${(error as Error).message}`, {
      cause: error,
      remedy: 'give the path of a file that `heed bench` has written',
    });
  }
}

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { Console, ExitCode } from '../output/console.ts';
import { fileFor, writing } from '../output/destination.ts';

const HELP = `
On the queries, keys and values of a trained sentence model: which backends run here, how near each comes to the
float64 reference, what one attention head sees, how fast it is, and all of it again as one HTML page.

Examples:
  $ heed demo
  $ heed demo --out report.html
  $ heed demo --lengths 512,2048 --json

Exit codes: 0 every backend agrees with the reference, 1 one does not, 2 wrong usage.`;

interface Options {
  readonly out?: string;
  readonly lengths: readonly number[];
}

export function demoCommand(console: Console, onEnd: (code: ExitCode) => void): Command {
  return new Command('demo')
    .description('see it on a real model: agreement, a heatmap, speed, and a report')
    .option('--out <file>', 'where to write the HTML report (default: a new folder for temporary files)')
    .addOption(
      new Option('--lengths <numbers>', 'sequence lengths to time, with commas between')
        .argParser(parseLengths)
        .default([128, 256, 512], '128,256,512'),
    )
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action(async (options: Options) => {
      const file = reportFile(options.out);
      // The suite takes a while to load: other commands should not wait for it.
      const { narrate } = await import('../demo/narrate.ts');
      const demo = await narrate(options.lengths, console);
      const { demoPage } = await import('../report/demo-page.ts');
      let report: string | null = null;
      try {
        writing(REPORT, () => writeFileSync(file, demoPage(demo, new Date())));
        report = file;
        console.print(`\n${console.colors.bold('Report')}\n  ${report}`);
      } finally {
        console.result({ ...demo, report });
      }
      onEnd(demo.agreement.every(({ agrees }) => agrees) ? 0 : 1);
    });
}

const REPORT = {
  what: 'the report',
  remedy: 'give --out a file in a folder that can be written to',
} as const;

/** Path of the report, checked before anything is computed. */
function reportFile(out: string | undefined): string {
  if (out !== undefined) return fileFor(out, REPORT);
  return writing(REPORT, () => path.join(mkdtempSync(path.join(tmpdir(), 'heed-')), 'report.html'));
}

function parseLengths(text: string): number[] {
  const lengths = text.split(',').map(Number);
  if (lengths.every((length) => Number.isSafeInteger(length) && length > 0))
    return [...new Set(lengths)].sort((a, b) => a - b);
  throw new InvalidArgumentError('expected integers greater than 0, with commas between.');
}

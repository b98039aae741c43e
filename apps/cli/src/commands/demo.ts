import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { machineFacts } from '@heed/benchmarks';
import { HeedError } from '@heed/core';
import { Command, InvalidArgumentError, Option } from 'commander';
import { type Demo, runDemo } from '../demo/run-demo.ts';
import type { Console } from '../output/console.ts';
import { type Progress, startProgress } from '../output/progress.ts';
import {
  aboutSights,
  aboutSpeed,
  heading,
  renderAgreement,
  renderSights,
  renderSpeed,
} from '../output/render-demo.ts';
import { renderDiagnoses, renderMachine } from '../output/render-doctor.ts';
import type { ExitCode } from '../program.ts';
import { diagnoseAll } from './doctor.ts';

const HELP = `
On the queries, keys and values of a trained sentence model: which backends run here, how near each comes to the
float64 reference, what one attention head sees, how fast it is, and all of it again as one HTML page.

Examples:
  $ heed demo
  $ heed demo --out report.html
  $ heed demo --lengths 512,2048 --json

Exit codes: 0 every backend agrees with the reference, 1 one does not, 2 wrong usage.`;

const PROBE_SECONDS = 10;

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
        .default([128, 256, 512, 1024], '128,256,512,1024'),
    )
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action(async (options: Options) => {
      const report = reportFile(options.out);
      const demo = await narrated(options.lengths, console);
      // The charting library takes a while to load, and only the report needs it.
      const { reportPage } = await import('../report/page.ts');
      writeFileSync(report, reportPage(demo, new Date()));
      console.print(`\n${console.colors.bold('Report')}\n  ${report}`);
      console.result({ ...demo, report });
      onEnd(demo.agreement.every(({ agrees }) => agrees) ? 0 : 1);
    });
}

/** Runs the demo, and tells each part as soon as it is known. */
async function narrated(lengths: readonly number[], console: Console): Promise<Demo> {
  let progress: Progress | undefined;
  const tell = (title: string, about: string, body: string): void => {
    progress?.stop();
    progress = undefined;
    console.print(heading(title, about, console));
    console.print(body);
  };
  try {
    return await runDemo(() => diagnoseAll([], PROBE_SECONDS), lengths, {
      say(text) {
        progress ??= startProgress(text);
        progress.update(text);
      },
      backends: (all) => tell('Backends', 'What is installed, and what it runs on.', renderDiagnoses(all, console)),
      agreement: (all) =>
        tell(
          'Agreement',
          'With the float64 reference, on a real model: MiniLM, 6 layers × 12 heads, two sentences.',
          renderAgreement(all, console),
        ),
      sights: (all, by) => tell('What attention sees', aboutSights(by), renderSights(all, console)),
      speed(speed) {
        tell('Speed', aboutSpeed(speed), renderSpeed(speed, console));
        console.print(renderMachine(machineFacts(), console));
      },
    });
  } finally {
    progress?.stop();
  }
}

/** Where the report goes: found out before anything is computed. */
function reportFile(out: string | undefined): string {
  if (out === undefined) return path.join(mkdtempSync(path.join(tmpdir(), 'heed-')), 'report.html');
  const file = path.resolve(out);
  try {
    writeFileSync(file, '', { flag: 'a' });
    return file;
  } catch (error) {
    throw new HeedError('ARGUMENT', `the report cannot be written: ${(error as Error).message}`, {
      cause: error,
      remedy: 'give --out a file in a folder that exists',
    });
  }
}

function parseLengths(text: string): number[] {
  const lengths = text.split(',').map(Number);
  if (lengths.every((length) => Number.isSafeInteger(length) && length > 0)) return [...new Set(lengths)].sort((a, b) => a - b);
  throw new InvalidArgumentError('expected integers greater than 0, with commas between.');
}

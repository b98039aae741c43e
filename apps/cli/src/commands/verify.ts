import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { HeedError } from '@heed/core';
import { Command, Option } from 'commander';
import { diagnose } from '../backends/diagnose.ts';
import { type Located, locate } from '../backends/resolve.ts';
import { type Verified, fuzzBackend, verifyBackend } from '../backends/verify-backend.ts';
import type { Console, ExitCode } from '../output/console.ts';
import { type Writing, folderFor, writing } from '../output/destination.ts';
import { startProgress } from '../output/progress.ts';
import { renderVerified } from '../output/render-verify.ts';
import { type PublishedReport, publishedReport } from '../published/published-report.ts';
import { collect, integerOption, memoryOption, replaced, secondsOption } from './options.ts';

const HELP = `
A BACKEND is a short name (ts, reference), a package name, or the path of a module whose default export is a
provider. It is looked for in the current folder first. Each runs in a process of its own. "heed list" names the clauses
and the cases. Times are in seconds.

Examples:
  $ heed verify ts
  $ heed verify ./my-backend.js --clause causal --clause window
  $ heed verify ts --case window/left-3/causal
  $ heed verify ts --cases ./cases-from-torch
  $ heed verify peers/torch-sdpa
  $ heed verify ts --fuzz 60 --seed 1
  $ heed verify ./my-backend.js --report ./report

Exit codes: 0 nothing failed, 1 something failed, 2 wrong usage, or a backend that cannot be loaded or run here.`;

interface Options {
  readonly clause: readonly string[];
  readonly case: readonly string[];
  readonly cases: readonly string[];
  readonly fuzz?: number;
  readonly seed?: number;
  readonly timeout: number;
  readonly memory?: number;
  readonly report?: string;
}

export function verifyCommand(console: Console, onEnd: (code: ExitCode) => void): Command {
  const command = new Command('verify')
    .description('run the conformance suite on backends')
    .argument('[BACKEND...]', 'backends to verify')
    .addOption(
      new Option('--clause <clause>', 'only the cases of a clause; may be repeated')
        .argParser(collect)
        .default([], 'all'),
    )
    .addOption(
      new Option('--case <id>', 'only the case with this id; may be repeated')
        .argParser(collect)
        .default([], 'all'),
    )
    .addOption(
      new Option('--cases <path>', 'cases of a file or folder in place of the suite; may be repeated')
        .argParser(collect)
        .default([], 'the suite'),
    )
    .addOption(
      secondsOption('--fuzz <seconds>', 'random problems for so long, in place of the suite').conflicts([
        'clause',
        'case',
        'cases',
      ]),
    )
    .addOption(integerOption('--seed <number>', 'seed of --fuzz: the same problems again'))
    .addOption(secondsOption('--timeout <seconds>', 'time that a backend has for each case', 120))
    .addOption(memoryOption())
    .addOption(
      new Option('--report <folder>', 'write reports to publish: JSON, Markdown and a badge').conflicts(
        'fuzz',
      ),
    )
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action(async (names: string[], options: Options) => {
      checkUsage(names, options);
      onEnd(await verifyAll([...new Set(names)].map(locate), options, console));
    });
  replaced(command, '--topic [clause]', 'use `--clause CLAUSE`');
  return replaced(command, '--list', 'use `heed list`');
}

function checkUsage(names: readonly string[], { seed, fuzz }: Options): void {
  if (names.length === 0) {
    throw new HeedError('ARGUMENT', 'BACKEND is missing', {
      remedy: 'name one, as in `heed verify ts`; `heed doctor` lists what is installed',
    });
  }
  if (seed !== undefined && fuzz === undefined) {
    throw new HeedError('ARGUMENT', '--seed requires --fuzz', { remedy: 'add --fuzz SECONDS' });
  }
}

async function verifyAll(
  backends: readonly Located[],
  options: Options,
  console: Console,
): Promise<ExitCode> {
  const folder = options.report === undefined ? null : folderFor(options.report, REPORTS);
  const results: Verified[] = [];
  for (const backend of backends) {
    const progress = startProgress(`${backend.name}: loading`);
    try {
      results.push(await verifyOne(backend, options, progress.update));
    } finally {
      progress.stop();
    }
    console.print(renderVerified(results.at(-1)!, console));
  }
  let reports: readonly string[] = [];
  try {
    if (folder !== null) reports = await publish(backends, results, folder, options);
    if (reports.length > 0) console.print(`reports: ${reports.join(', ')}`);
  } finally {
    // Prints the result of the suite even if the reports fail.
    console.result({ backends: results, ...(folder !== null && { reports }) });
  }
  return results.every(({ failed }) => failed === 0) ? 0 : 1;
}

const REPORTS: Writing = { what: 'reports', remedy: 'give --report a folder that can be written to' };

/** Inspects each backend again in a separate process: one that has just hung is not to be trusted. */
async function publish(
  backends: readonly Located[],
  results: readonly Verified[],
  folder: string,
  { clause: clauses, case: ids, cases, timeout, memory }: Options,
): Promise<string[]> {
  const { circumstances, writeReports } = await import('../published/write.ts');
  const common = circumstances(clauses, ids, cases.length > 0);
  const reports: PublishedReport[] = [];
  for (const [index, { name }] of backends.entries()) {
    const diagnosis = await diagnose(name, { timeoutSeconds: timeout, memoryBytes: memory });
    reports.push(publishedReport(results[index]!, diagnosis, common));
  }
  return writing(REPORTS, () => writeReports(folder, reports));
}

async function verifyOne(backend: Located, options: Options, say: (text: string) => void): Promise<Verified> {
  const limits = { timeoutSeconds: options.timeout, memoryBytes: options.memory };
  if (options.fuzz === undefined) {
    const { clause: clauses, case: ids, cases } = options;
    return verifyBackend(backend, {
      clauses,
      ids,
      caseFiles: cases.map((file) => path.resolve(file)),
      ...limits,
      say,
    });
  }
  const seed = options.seed ?? null;
  return fuzzBackend(backend, { seconds: options.fuzz, seed, ...limits, say, saveCase });
}

function saveCase(text: string, seed: number): string {
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'heed-')), `disagreement-${seed}.json`);
  writeFileSync(file, text);
  return file;
}

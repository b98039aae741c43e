import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { HeedError } from '@heed/core';
import { Command, Option } from 'commander';
import { diagnose } from '../backends/diagnose.ts';
import { type Located, locate } from '../backends/resolve.ts';
import { type Verified, fuzzBackend, verifyBackend } from '../backends/verify-backend.ts';
import type { Console } from '../output/console.ts';
import { type Writing, folderFor, writing } from '../output/destination.ts';
import { startProgress } from '../output/progress.ts';
import { renderClauses, renderVerified } from '../output/render-verify.ts';
import type { ExitCode } from '../program.ts';
import { type PublishedReport, publishedReport } from '../published/published-report.ts';
import { collect, integerOption, memoryOption, secondsOption } from './options.ts';

const HELP = `
A BACKEND is a short name (ts, reference), a package name, or the path of a module whose default export is a
provider. It is looked for in the current folder first. Each runs in a process of its own.

Examples:
  $ heed verify ts
  $ heed verify ./my-backend.js --topic causal --topic window
  $ heed verify ts --cases ./cases-from-torch
  $ heed verify ts --fuzz 60 --seed 1
  $ heed verify ./my-backend.js --report ./report
  $ heed verify --list

Exit codes: 0 nothing failed, 1 something failed, 2 wrong usage, or a backend that cannot be loaded or run here.`;

interface Options {
  readonly topic: readonly string[];
  readonly cases: readonly string[];
  readonly fuzz?: number;
  readonly seed?: number;
  readonly timeout: number;
  readonly memory?: number;
  readonly report?: string;
  readonly list?: true;
}

export function verifyCommand(console: Console, onEnd: (code: ExitCode) => void): Command {
  return new Command('verify')
    .description('run the conformance suite on backends')
    .argument('[BACKEND...]', 'backends to verify')
    .addOption(
      new Option('--topic <clause>', 'only the cases of a clause; may be repeated')
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
        'topic',
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
    .option('--list', 'list the clauses and how many cases they have')
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action(async (names: string[], options: Options) => {
      if (options.list) return list(console);
      checkUsage(names, options);
      onEnd(await verifyAll([...new Set(names)].map(locate), options, console));
    });
}

async function list(console: Console): Promise<void> {
  const { allCases } = await import('@heed/conformance');
  const counts = new Map<string, number>();
  for (const { clause } of await allCases()) counts.set(clause, (counts.get(clause) ?? 0) + 1);
  const clauses = Array.from(counts, ([clause, cases]) => ({ clause, cases }));
  console.print(renderClauses(clauses));
  console.result({ clauses });
}

function checkUsage(names: readonly string[], { seed, fuzz }: Options): void {
  if (names.length === 0) {
    throw new HeedError('ARGUMENT', 'no BACKEND is given', {
      remedy: 'name one, as in `heed verify ts`; `heed doctor` lists what is installed',
    });
  }
  if (seed !== undefined && fuzz === undefined) {
    throw new HeedError('ARGUMENT', '--seed is given without --fuzz', { remedy: 'add --fuzz SECONDS' });
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
    // The result of the suite is told, whatever becomes of the reports.
    console.result({ backends: results, ...(folder !== null && { reports }) });
  }
  return results.every(({ failed }) => failed === 0) ? 0 : 1;
}

const REPORTS: Writing = { what: 'reports', remedy: 'give --report a folder that can be written to' };

/** What each backend declares is asked again, of a process of its own: one that has just hung is not to be trusted. */
async function publish(
  backends: readonly Located[],
  results: readonly Verified[],
  folder: string,
  { topic, cases, timeout, memory }: Options,
): Promise<string[]> {
  const { circumstances, writeReports } = await import('../published/write.ts');
  const common = circumstances(topic, cases.length > 0);
  const reports: PublishedReport[] = [];
  for (const [index, { name }] of backends.entries()) {
    const diagnosis = await diagnose(name, { limitMs: timeout * 1000, memoryBytes: memory });
    reports.push(publishedReport(results[index]!, diagnosis, common));
  }
  return writing(REPORTS, () => writeReports(folder, reports));
}

async function verifyOne(backend: Located, options: Options, say: (text: string) => void): Promise<Verified> {
  const limits = { silenceMs: options.timeout * 1000, memoryBytes: options.memory };
  if (options.fuzz === undefined) {
    const { topic: topics, cases } = options;
    return verifyBackend(backend, {
      topics,
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

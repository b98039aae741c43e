import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import type { BenchResults, Row, Workload } from '@heed/benchmarks';
import { HeedError } from '@heed/core';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { Console } from '../output/console.ts';
import { folderFor, writing } from '../output/destination.ts';
import type { ExitCode } from '../program.ts';
import { collect, secondsOption } from './options.ts';

const HELP = `
A CONTESTANT is a backend (a short name, a package, a path) or a peer (--list names them). Without one, every backend
that is installed and every peer takes part. Each runs in a process of its own; --list shows the workloads.

Examples:
  $ heed bench
  $ heed bench wasm ts --workload dense --lengths 512,2048
  $ heed bench ./my-backend.js --budget 90s --threads 1
  $ heed bench --compare results/old.json results/new.json

Exit codes: 0 all is well, 1 a result was wrong, something is slower (--compare), or Ctrl-C came first, 2 wrong usage.`;

interface Options {
  readonly workload: readonly string[];
  readonly lengths?: readonly number[];
  readonly heads?: number;
  readonly threads: number;
  readonly budget: number;
  readonly timeout: number;
  readonly rounds?: number;
  readonly turn?: number;
  readonly baseline?: string;
  readonly out: string;
  readonly note?: string;
  readonly list?: true;
  readonly compare?: true;
}

export function benchCommand(console: Console, onEnd: (code: ExitCode) => void): Command {
  return new Command('bench')
    .description('measure backends and their peers side by side')
    .argument('[CONTESTANT...]', 'who takes part')
    .addOption(
      new Option('--workload <name>', 'a workload or a set of them; may be repeated')
        .argParser(collect)
        .default([], 'all'),
    )
    .addOption(
      countsOption('--lengths <numbers>', 'sequence lengths of dense and causal, with commas between'),
    )
    .addOption(countOption('--heads <number>', 'heads of dense and causal'))
    .addOption(
      countOption('--threads <number>', 'threads that contestants are asked to take').default(
        availableParallelism(),
        `${availableParallelism()}, all of this machine`,
      ),
    )
    .addOption(
      new Option('--budget <minutes>', 'time for everything; 90s, 15m and 1h will do as well')
        .argParser(parseBudget)
        .default(600_000, '10'),
    )
    .addOption(secondsOption('--timeout <seconds>', 'time that a contestant has to get ready', 30))
    .addOption(countOption('--rounds <number>', 'turns of each contestant on a workload, if there is time'))
    .addOption(countOption('--turn <milliseconds>', 'length of a turn'))
    .option('--baseline <name>', 'the contestant that ratios are to (default: triple loop)')
    .option('--out <folder>', 'where the results file and the page go', 'results')
    .option('--note <text>', 'what else there is to know, for the results: who shared the machine, say')
    .option('--list', 'list workloads and contestants')
    .option('--compare', 'compare two results files instead: --compare OLD NEW')
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action(async (names: string[], options: Options) => {
      if (options.compare) onEnd(await compare(names, console));
      else if (options.list) await list(options, console);
      else onEnd(await bench(names, options, console));
    });
}

async function list({ lengths, heads }: Options, console: Console): Promise<void> {
  const { catalogue } = await import('@heed/benchmarks');
  const { candidatesFor } = await import('../bench/contestants.ts');
  const { renderCatalogue } = await import('../output/render-bench.ts');
  const sets = catalogue({ ...(lengths && { lengths }), ...(heads && { heads }) });
  const contestants = candidatesFor([], undefined).map(({ name }) => name);
  console.print(renderCatalogue(sets, contestants, console));
  console.result({ sets, contestants });
}

async function bench(names: readonly string[], options: Options, console: Console): Promise<ExitCode> {
  const workloads = await workloadsOf(options);
  const { candidatesFor } = await import('../bench/contestants.ts');
  const { runBench } = await import('../bench/run-bench.ts');
  const { defaults } = await import('@heed/benchmarks');
  const contestants = candidatesFor(names, options.baseline);
  const out = folderFor(options.out, RESULTS);
  const { rounds, turnMs } = defaults();
  const results = await runBench({
    workloads,
    contestants,
    baseline: contestants[0]!.name,
    threads: options.threads,
    budgetMs: options.budget,
    limitMs: options.timeout * 1000,
    rounds: options.rounds ?? rounds,
    turnMs: options.turn ?? turnMs,
    ...(options.note !== undefined && { note: options.note }),
  });
  const { renderBench } = await import('../output/render-bench.ts');
  const { benchPage } = await import('../report/bench-page.ts');
  // What took minutes is told before anything else can go wrong.
  console.print(renderBench(results, console));
  console.result({ machine: results.machine, rows: results.rows.map(publicRow) });
  const files = writing(RESULTS, () => write(results, benchPage(results), out));
  console.print(`\n  ${files.join('\n  ')}`);
  return results.stopped || results.rows.some(({ status }) => status === 'wrong') ? 1 : 0;
}

async function workloadsOf({ workload: names, lengths, heads }: Options): Promise<readonly Workload[]> {
  const { selectWorkloads } = await import('@heed/benchmarks');
  const { workloads, unknown } = selectWorkloads(names, {
    ...(lengths && { lengths }),
    ...(heads && { heads }),
  });
  if (unknown.length === 0) return workloads;
  throw new HeedError('ARGUMENT', `there is no workload ${unknown.join(', ')}`, {
    remedy: 'see heed bench --list, with the same --lengths and --heads',
  });
}

const RESULTS = { what: 'results', remedy: 'give --out a folder that can be written to' } as const;

/** The results file and the page. */
function write(results: BenchResults, page: string, folder: string): string[] {
  const name = path.join(folder, results.startedAt.replaceAll(':', '-').replace(/\..*/, ''));
  writeFileSync(`${name}.json`, `${JSON.stringify(results)}\n`);
  writeFileSync(`${name}.html`, page);
  return [`${name}.json`, `${name}.html`];
}

/** What a row is to scripts. The results file has all of it. */
function publicRow(row: Row): Partial<Row> {
  const { workload, contestant, device, threads, length, medianMs, gflops, ratio, peakBytes, status } = row;
  return { workload, contestant, device, threads, length, medianMs, gflops, ratio, peakBytes, status };
}

async function compare(files: readonly string[], console: Console): Promise<ExitCode> {
  if (files.length !== 2) {
    throw new HeedError('ARGUMENT', `--compare takes two results files, ${files.length} are given`, {
      remedy: 'heed bench --compare OLD NEW',
    });
  }
  const { compareResults, parseResults } = await import('@heed/benchmarks');
  const { renderComparison } = await import('../output/render-compare.ts');
  const [old, fresh] = files.map((file) => parseResults(readText(file), file));
  const report = compareResults(old!, fresh!);
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

function countOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser((text: string) => parseCount(text));
}

function countsOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser((text: string) =>
    [...new Set(text.split(',').map(parseCount))].sort((a, b) => a - b),
  );
}

function parseCount(text: string): number {
  if (/^\d+$/.test(text) && Number(text) > 0 && Number.isSafeInteger(Number(text))) return Number(text);
  throw new InvalidArgumentError('expected an integer greater than 0.');
}

const UNITS = { s: 1000, m: 60_000, h: 3_600_000 } as const;

/** A time in milliseconds: minutes, unless a unit is given. */
function parseBudget(text: string): number {
  const [, amount, unit = 'm'] = /^(\d+(?:\.\d+)?)([smh])?$/.exec(text) ?? [];
  const milliseconds = Number(amount) * UNITS[unit as keyof typeof UNITS];
  if (milliseconds > 0) return milliseconds;
  throw new InvalidArgumentError('expected a time greater than 0, such as 10, 90s or 1h.');
}

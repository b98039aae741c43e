import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import type { BenchResults, Row, Workload } from '@heed/benchmarks';
import { HeedError } from '@heed/core';
import { Command, Option } from 'commander';
import type { Console, ExitCode } from '../output/console.ts';
import { folderFor, writing } from '../output/destination.ts';
import { collect, countOption, countsOption, replaced, secondsOption } from './options.ts';

const HELP = `
A CONTESTANT is a backend (a short name, a package, a path) or a peer. Without one, every backend that is installed and
every peer takes part. Each runs in a process of its own. "heed list" names peers and workloads, "heed compare" compares
two results files. Times are in seconds.

Examples:
  $ heed bench
  $ heed bench wasm ts --workload dense --lengths 512,2048
  $ heed bench ./my-backend.js --budget 90 --threads 1

Exit codes: 0 all is well, 1 a result was wrong, or Ctrl-C came first, 2 wrong usage.`;

interface Options {
  readonly workload: readonly string[];
  readonly lengths?: readonly number[];
  readonly heads?: number;
  readonly threads: number;
  readonly budget: number;
  readonly timeout: number;
  readonly rounds?: number;
  readonly turn: number;
  readonly baseline?: string;
  readonly out: string;
  readonly note?: string;
}

export function benchCommand(console: Console, onEnd: (code: ExitCode) => void): Command {
  const command = new Command('bench')
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
    .addOption(secondsOption('--budget <seconds>', 'time for everything', 600))
    .addOption(secondsOption('--timeout <seconds>', 'time that a contestant has to get ready', 30))
    .addOption(countOption('--rounds <number>', 'turns of each contestant on a workload, if there is time'))
    .addOption(secondsOption('--turn <seconds>', 'length of a turn', 0.04))
    .option('--baseline <name>', 'the contestant that ratios are to (default: triple loop)')
    .option('--out <folder>', 'where the results file and the page go', 'results')
    .option('--note <text>', 'what else there is to know, for the results: who shared the machine, say')
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action(async (names: string[], options: Options) => {
      onEnd(await bench(names, options, console));
    });
  replaced(command, '--list', 'use `heed list`');
  return replaced(command, '--compare', 'use `heed compare OLD NEW`');
}

async function bench(names: readonly string[], options: Options, console: Console): Promise<ExitCode> {
  const workloads = await workloadsOf(options);
  const { candidatesFor } = await import('../bench/contestants.ts');
  const { runBench } = await import('../bench/run-bench.ts');
  const { defaults } = await import('@heed/benchmarks');
  const contestants = candidatesFor(names, options.baseline);
  const out = folderFor(options.out, RESULTS);
  const { rounds } = defaults();
  const results = await runBench({
    workloads,
    contestants,
    baseline: contestants[0]!.name,
    threads: options.threads,
    budgetSeconds: options.budget,
    timeoutSeconds: options.timeout,
    rounds: options.rounds ?? rounds,
    turnSeconds: options.turn,
    ...(options.note !== undefined && { note: options.note }),
  });
  const { renderBench } = await import('../output/render-bench.ts');
  const { benchPage } = await import('../report/bench-page.ts');
  // Prints the results of minutes of work before anything else can go wrong.
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
  throw new HeedError('ARGUMENT', `unknown workload ${unknown.join(', ')}`, {
    remedy: 'see `heed list workloads`, with the same --lengths and --heads',
  });
}

const RESULTS = { what: 'results', remedy: 'give --out a folder that can be written to' } as const;

/** Writes the results file and the page. */
function write(results: BenchResults, page: string, folder: string): string[] {
  const name = path.join(folder, results.startedAt.replaceAll(':', '-').replace(/\..*/, ''));
  writeFileSync(`${name}.json`, `${JSON.stringify(results)}\n`);
  writeFileSync(`${name}.html`, page);
  return [`${name}.json`, `${name}.html`];
}

/** Fields of a row for scripts. The results file has all of them. */
function publicRow(row: Row): Partial<Row> {
  const { workload, contestant, device, threads, length, medianMs, gflops, ratio, peakBytes, status } = row;
  return { workload, contestant, device, threads, length, medianMs, gflops, ratio, peakBytes, status };
}

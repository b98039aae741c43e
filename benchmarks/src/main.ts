/** `bench`: measures what Heed claims about its TypeScript backend. Exit code 1 if a claim does not hold. */
import { clearLine, cursorTo } from 'node:readline';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { type Verdict, claimsOfBackendTs, judge } from './claims.ts';
import { type Machine, installedVersions, machineFacts } from './machine.ts';
import type { Progress } from './measure/race.ts';

const HELP = `Usage: bench [--rounds N] [--json]

Measures what Heed claims of @heed/backend-ts, on this machine.

  --rounds N  turns of each contestant (default 7)
  --json      one object on standard output, nothing else
  --help      this text

Exit code: 0 when every claim holds, 1 when one does not, 2 for a wrong argument.`;

interface Arguments {
  readonly rounds: number;
  readonly json: boolean;
  readonly help: boolean;
}

interface Report {
  readonly machine: Machine;
  readonly versions: Record<string, string>;
  readonly claims: readonly Verdict[];
}

function readArguments(): Arguments {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '7' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const rounds = Number(values.rounds);
  if (!Number.isSafeInteger(rounds) || rounds < 1) {
    throw new TypeError(`--rounds is ${values.rounds}; expected an integer ≥ 1`);
  }
  return { rounds, json: values.json, help: values.help };
}

function showProgress({ contestant, workload, phase }: Progress): void {
  if (!process.stderr.isTTY) return;
  clearProgress();
  process.stderr.write(`${phase} ${contestant} on ${workload}`);
}

function clearProgress(): void {
  if (!process.stderr.isTTY) return;
  clearLine(process.stderr, 0);
  cursorTo(process.stderr, 0);
}

async function judgeAll(rounds: number): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  for (const claim of claimsOfBackendTs) {
    verdicts.push(await judge(claim, { rounds, onProgress: showProgress }));
  }
  clearProgress();
  return verdicts;
}

function print({ machine, versions, claims }: Report): void {
  const table = new Table({
    head: ['@heed/backend-ts', 'measured', 'claimed', ''],
    style: { head: [], border: [] },
  });
  for (const { says, kind, figure, bound, held } of claims) {
    const unit = kind === 'speed' ? '×' : 'MB';
    table.push([
      says,
      figure === null ? '–' : `${figure.toFixed(1)} ${unit}`,
      `${kind === 'speed' ? '≥' : '<'} ${bound} ${unit}`,
      held ? 'held' : 'NOT HELD',
    ]);
  }
  console.log(table.toString());
  for (const { reason } of claims) if (reason) console.log(reason);
  console.log(
    `${machine.cpu}, ${machine.cores} processors, ${machine.os}, Node ${machine.node}, V8 ${machine.v8}`,
  );
  console.log(
    Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', '),
  );
}

async function main(): Promise<number> {
  const { rounds, json, help } = readArguments();
  if (help) {
    console.log(HELP);
    return 0;
  }
  const report = {
    machine: machineFacts(),
    versions: installedVersions(['@heed/core', '@heed/backend-ts', '@tensorflow/tfjs-core']),
    claims: await judgeAll(rounds),
  };
  if (json) console.log(JSON.stringify(report, null, 2));
  else print(report);
  return report.claims.every(({ held }) => held) ? 0 : 1;
}

process.exitCode = await main().catch((error: unknown) => {
  console.error(error instanceof TypeError ? error.message : error);
  return 2;
});

/**
 * A program that simulates decoding on clusters larger than those at hand: the time of steps, with workers that fail.
 * Prints a table. Its constants are options, so that those of a machine (`measure`) can be put in.
 *
 *   --bandwidth N   bytes that a worker reads of its shards in a second (default 2e10)
 *   --machine N     bytes that all workers read in a second, if they share a machine (default: a machine each)
 *   --message N     milliseconds from the caller to a worker and back, with nothing to compute (default 1)
 *   --handling N    milliseconds for each further task and its answer (default 0.05)
 *   --merge N       milliseconds to merge the answers of one shard (default 0.01)
 *   --network N     bytes that a worker fetches of the store in a second (default 2e8)
 *   --failures N    failures of a worker in an hour (default 0.01)
 *   --steps N       steps of each row (default 20000)
 *   --seed N        of the failures (default 1)
 */
import { parseArgs } from 'node:util';
import {
  BYTES_OF_TOKEN,
  CONSTANT_NAMES,
  type Constants,
  type Division,
  recoveryTime,
  stepTime,
} from './model.ts';

const NUMBERS = {
  bandwidth: '2e10',
  machine: 'Infinity',
  message: '1',
  handling: '0.05',
  merge: '0.01',
  network: '2e8',
  failures: '0.01',
  steps: '20000',
  seed: '1',
};
const { values } = parseArgs({
  options: Object.fromEntries(
    Object.entries(NUMBERS).map(([name, standard]) => [name, { type: 'string' as const, default: standard }]),
  ),
});
const option = (name: keyof typeof NUMBERS): number => Number(values[name]);
const constants = Object.fromEntries(
  CONSTANT_NAMES.map((name) => [name, option(name)]),
) as unknown as Constants;

const SHARD_KEYS = 65_536;
/** Milliseconds until a dead worker is missed and its task is delivered again. */
const ACKNOWLEDGEMENT = 5000;

let state = option('seed') >>> 0;
const random = (): number => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
};

interface Steps {
  readonly median: number;
  /** Time that one step in a thousand exceeds. */
  readonly slow: number;
  readonly worst: number;
  readonly failures: number;
}

function simulate(division: Division): Steps {
  const usual = stepTime(constants, division);
  const recovery = recoveryTime(constants, division, ACKNOWLEDGEMENT);
  const chance = 1 - Math.exp((-option('failures') * division.workers * usual) / 3_600_000);
  const times: number[] = [];
  let failures = 0;
  for (let step = 0; step < option('steps'); step++) {
    const fails = division.workers > 1 && random() < chance;
    failures += Number(fails);
    times.push(usual + (fails ? recovery : 0));
  }
  times.sort((a, b) => a - b);
  const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(share * times.length))]!;
  return { median: at(0.5), slow: at(0.999), worst: times.at(-1)!, failures };
}

const rows = [1e6, 1e7, 1e8].flatMap((tokens) =>
  [4, 16, 64, 256, 1000].map((workers): string[] => {
    const gigabytes = (tokens * BYTES_OF_TOKEN) / workers / 2 ** 30;
    const { median, slow, worst, failures } = simulate({ tokens, workers, shardKeys: SHARD_KEYS });
    const numbers = [gigabytes, median, slow, worst].map((value) => value.toPrecision(3));
    return [tokens.toExponential(0), String(workers), ...numbers, String(failures)];
  }),
);
const head = ['tokens', 'workers', 'GB a worker', 'median ms', '99.9% ms', 'worst ms', 'failures'];
for (const row of [head, head.map(() => '---'), ...rows]) process.stdout.write(`| ${row.join(' | ')} |\n`);

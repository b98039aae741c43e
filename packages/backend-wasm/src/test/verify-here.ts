/**
 * A program for any runtime: the suite in every combination, or in those that are named, a line of JSON for each.
 * `--every=N` runs one case in so many.
 */
import { allCases } from '@heed/conformance';
import { COMBINATIONS, nameOf } from './combinations.ts';
import { verdictOf } from './verdict.ts';

const { argv } = (globalThis as unknown as { process: { argv: string[] } }).process;
const [every] = argv.flatMap((word) => word.match(/^--every=(\d+)$/)?.[1] ?? []);
const wanted = argv.slice(2).filter((word) => !word.startsWith('--'));
const cases = (await allCases()).filter((_, n) => n % Number(every ?? 1) === 0);
for (const options of COMBINATIONS) {
  if (wanted.length > 0 && !wanted.includes(nameOf(options))) continue;
  // oxlint-disable-next-line no-console -- it is what the program is for
  console.log(JSON.stringify(await verdictOf(options, cases)));
}

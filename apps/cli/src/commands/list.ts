import { Argument, Command, Option } from 'commander';
import type { Console } from '../output/console.ts';
import { renderCases, renderClauses, renderContestants, renderWorkloads } from '../output/render-list.ts';
import { collect, countOption, countsOption } from './options.ts';

const HELP = `
WHAT is one or more of: clauses (of the specification, with the number of their cases), cases (of the conformance suite,
with their purposes), workloads and contestants (of "heed bench"). Without it: clauses, workloads and contestants.

Examples:
  $ heed list
  $ heed list cases --clause window
  $ heed list workloads --lengths 512,2048
  $ heed list contestants --json

Exit codes: 0 it is listed, 2 wrong usage.`;

const WHAT = ['clauses', 'cases', 'workloads', 'contestants'] as const;
type What = (typeof WHAT)[number];

interface Options {
  readonly clause: readonly string[];
  readonly lengths?: readonly number[];
  readonly heads?: number;
}

export function listCommand(console: Console): Command {
  return new Command('list')
    .description('list clauses and cases of the suite, workloads and contestants of bench')
    .addArgument(new Argument('[WHAT...]', 'what to list').choices(WHAT))
    .addOption(
      new Option('--clause <clause>', 'only the cases of a clause; may be repeated')
        .argParser(collect)
        .default([], 'all'),
    )
    .addOption(
      countsOption('--lengths <numbers>', 'sequence lengths of dense and causal, with commas between'),
    )
    .addOption(countOption('--heads <number>', 'heads of dense and causal'))
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action(async (asked: readonly What[], options: Options) => {
      const names =
        asked.length > 0 ? asked : WHAT.filter((name) => name !== 'cases' || options.clause.length > 0);
      const lists = await Promise.all([...new Set(names)].map((name) => LISTS[name](options, console)));
      console.print(lists.map(({ text }) => text).join('\n\n'));
      console.result(Object.assign({}, ...lists.map(({ value }) => value)));
    });
}

interface List {
  readonly text: string;
  /** Value in the JSON object. */
  readonly value: object;
}

const LISTS: Readonly<Record<What, (options: Options, console: Console) => Promise<List>>> = {
  async clauses(_, console) {
    const { allCases } = await import('@heed/conformance');
    const counts = new Map<string, number>();
    for (const { clause } of await allCases()) counts.set(clause, (counts.get(clause) ?? 0) + 1);
    const clauses = Array.from(counts, ([clause, cases]) => ({ clause, cases }));
    return { text: renderClauses(clauses, console), value: { clauses } };
  },
  async cases({ clause: clauses }, console) {
    const { allCases, selectCases } = await import('@heed/conformance');
    const selected = selectCases(await allCases(), clauses.length > 0 ? { clauses } : {});
    const cases = selected.map(({ id, clause, purpose }) => ({ id, clause, purpose: purpose ?? null }));
    return { text: renderCases(cases, console), value: { cases } };
  },
  async workloads({ lengths, heads }, console) {
    const { catalog } = await import('@heed/benchmarks');
    const sets = catalog({ ...(lengths && { lengths }), ...(heads && { heads }) });
    return { text: renderWorkloads(sets, console), value: { sets } };
  },
  async contestants(_, console) {
    const { candidatesFor } = await import('../bench/contestants.ts');
    const contestants = candidatesFor([], undefined).map(({ name }) => name);
    return { text: renderContestants(contestants, console), value: { contestants } };
  },
};

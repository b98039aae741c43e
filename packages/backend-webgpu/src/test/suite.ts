import { type ConformanceCase, allCases } from '@heed/conformance';
import { type Part, suiteInWays } from '@heed/testing';
import type { WebgpuOptions } from '../index.ts';
import { providerOf } from './provider-of.ts';
import { isSlow } from './slow.ts';

/** Every way in which kernels run on an adapter that has subgroups. */
const OPTIONS: Readonly<Record<string, WebgpuOptions>> = {
  subgroups: {},
  'no subgroups': { subgroups: false },
};
/** Clauses that run without subgroups in `release`. */
const WITHOUT_SUBGROUPS = new Set(['order', 'gradient']);
/** Every problem of these is a pipeline of its own, for its types and layouts. */
const OF_TYPES = new Set([
  ...['dtype', 'cache', 'pages', 'ring', 'valueFromKey'],
  ...['linear', 'norm', 'rotary', 'embedding', 'elementDropout'],
]);
/** These share the pipelines of others. */
const OF_FEW_PIPELINES = new Set(['contract', 'refusal', 'errors', 'life', 'resident']);

const cases = await allCases();
const problems = problemsInClauses(cases);

/**
 * The number of each case's problem in its clause. Cases whose ids differ only behind the third `/` are one problem with other numbers
 * (`nonfinite/key/plain/nan`): they share pipelines, which cost a software adapter more than their runs.
 */
function problemsInClauses(all: readonly ConformanceCase[]): ReadonlyMap<ConformanceCase, number> {
  const clauses = new Map<string, string[]>();
  return new Map(
    all.map((one) => {
      const problem = one.id.split('/').slice(0, 3).join('/');
      const own = clauses.get(one.clause) ?? [];
      clauses.set(one.clause, own);
      if (!own.includes(problem)) own.push(problem);
      return [one, own.indexOf(problem)];
    }),
  );
}

/**
 * A software adapter compiles for seconds. Of the problems of each clause that are not slow, `test` takes every sixteenth from the first
 * on, `release` every twelfth, of types every twenty-fourth, of clauses with few pipelines every fourth; `whole` takes what these leave
 * out. Without subgroups, `release` takes every twelfth problem of some clauses.
 */
function partOf(one: ConformanceCase, { subgroups }: WebgpuOptions): Part {
  const { clause } = one;
  const problem = problems.get(one)!;
  if (isSlow(one)) return 'whole';
  if (subgroups === false) return WITHOUT_SUBGROUPS.has(clause) && problem % 12 === 1 ? 'release' : 'whole';
  if (problem % 16 === 0) return 'test';
  const every = OF_TYPES.has(clause) ? 24 : OF_FEW_PIPELINES.has(clause) ? 4 : 12;
  return problem % every === every >> 1 ? 'release' : 'whole';
}

/**
 * The share of `whole` that the environment variable `HEED_PART` asks for: `3/40` is the third of 40, of neighboring cases, since
 * those share pipelines. All, if it is not set.
 */
function shareOf<T>(all: readonly T[]): readonly T[] {
  const text = process.env['HEED_PART'] ?? '1/1';
  const [part, count] = text.split('/').map(Number) as [number, number | undefined];
  if (!(Number.isInteger(part) && Number.isInteger(count) && 1 <= part && part <= count!)) {
    throw new Error(`HEED_PART is '${text}'; expected a part and their number, such as '3/40'`);
  }
  return all.slice(((part - 1) * all.length) / count!, (part * all.length) / count!);
}

/** Defines the tests of a part of the suite, with all options. */
export function suite(part: Part): Promise<void> {
  return suiteInWays(
    Object.entries(OPTIONS).map(([name, options]) => {
      const own = cases.filter((one) => partOf(one, options) === part);
      return { name, provider: providerOf(options), cases: part === 'whole' ? shareOf(own) : own };
    }),
  );
}

import { type ConformanceCase, allCases } from '@heed/conformance';
import { suiteInWays } from '@heed/testing';
import type { WebgpuOptions } from '../index.ts';
import { providerOf } from './provider-of.ts';
import { isSlow } from './slow.ts';

/**
 * A software adapter compiles for seconds. `test` takes every tenth of the cases that are not slow; `release` half of the rest, but a
 * third of the clauses whose types and layouts are pipelines of their own, and all of those that need few pipelines; `whole` what these
 * leave out. Without subgroups, `release` takes the other half of some clauses.
 */
export type Part = 'test' | 'release' | 'whole';

/** Every way in which kernels run on an adapter that has subgroups. */
const OPTIONS: Readonly<Record<string, WebgpuOptions>> = {
  subgroups: {},
  'no subgroups': { subgroups: false },
};
const WITHOUT_SUBGROUPS = new Set(['order', 'gradient']);

const cases = await allCases();
const quick = cases.filter((one) => !isSlow(one));
const everyTenth = new Set(quick.filter((_, n) => n % 10 === 0));
const rest = quick.filter((one) => !everyTenth.has(one));
const OPERATIONS = ['linear', 'norm', 'rotary', 'embedding', 'elementDropout'];
const OF_TYPES = new Set(['dtype', 'cache', 'pages', 'ring', 'valueFromKey', ...OPERATIONS]);
const OF_FEW_PIPELINES = new Set(['contract', 'refusal', 'errors', 'life', 'resident']);
const third = new Set(quick.filter(({ clause }) => OF_TYPES.has(clause)).filter((_, n) => n % 3 === 0));
const half = halfOf(rest);

/**
 * Every second problem of each clause, from the first on, with all its numbers: cases whose ids differ only behind the third `/` share
 * pipelines.
 */
function halfOf(all: readonly ConformanceCase[]): ReadonlySet<ConformanceCase> {
  const problems = new Map<string, Set<string>>();
  return new Set(
    all.filter(({ clause, id }) => {
      const own = problems.get(clause) ?? new Set();
      problems.set(clause, own);
      own.add(problemOf(id));
      return [...own].indexOf(problemOf(id)) % 2 === 0;
    }),
  );
}

/** The id without what follows its third part: `nonfinite/key/plain` of `nonfinite/key/plain/nan`. */
function problemOf(id: string): string {
  return id.split('/').slice(0, 3).join('/');
}

function partOf(one: ConformanceCase, { subgroups }: WebgpuOptions): Part {
  if (isSlow(one)) return 'whole';
  if (subgroups === false) return WITHOUT_SUBGROUPS.has(one.clause) && !half.has(one) ? 'release' : 'whole';
  if (everyTenth.has(one)) return 'test';
  if (OF_FEW_PIPELINES.has(one.clause)) return 'release';
  return (OF_TYPES.has(one.clause) ? third : half).has(one) ? 'release' : 'whole';
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

import { type ConformanceCase, allCases } from '@heed/conformance';
import { suiteInWays } from '@heed/testing';
import type { WebgpuOptions } from '../index.ts';
import { providerOf } from './provider-of.ts';

/**
 * A software adapter compiles for seconds: each head size that a property draws, and each combination of features, is a
 * pipeline of its own. `test` takes every tenth of the other cases; `release` the rest of them, but a third of the clauses
 * whose types and layouts are pipelines of their own, and some clauses without subgroups; `whole` what these leave out.
 */
export type Part = 'test' | 'release' | 'whole';

/** Every way in which kernels run on an adapter that has subgroups. */
const OPTIONS: Readonly<Record<string, WebgpuOptions>> = {
  subgroups: {},
  'no subgroups': { subgroups: false },
};
const WITHOUT_SUBGROUPS = new Set(['order', 'gradient']);

const cases = await allCases();
const isSlow = ({ id }: ConformanceCase): boolean => /^combination\/|\/property\//.test(id);
const everyTenth = new Set(cases.filter((one) => !isSlow(one)).filter((_, n) => n % 10 === 0));
const OF_TYPES = new Set(['dtype', 'cache', 'pages', 'ring', 'valueFromKey', 'linear']);
const ofTypes = cases.filter(({ clause }) => OF_TYPES.has(clause));
const leftOut = new Set(ofTypes.filter((_, n) => n % 3 !== 0));

function partOf(one: ConformanceCase, { subgroups }: WebgpuOptions): Part {
  if (isSlow(one)) return 'whole';
  if (subgroups === false) return WITHOUT_SUBGROUPS.has(one.clause) ? 'release' : 'whole';
  if (everyTenth.has(one)) return 'test';
  return leftOut.has(one) ? 'whole' : 'release';
}

/** Defines the tests of a part of the suite, with all options. */
export function suite(part: Part): Promise<void> {
  return suiteInWays(
    Object.entries(OPTIONS).map(([name, options]) => ({
      name,
      provider: providerOf(options),
      cases: cases.filter((one) => partOf(one, options) === part),
    })),
  );
}

import { FEATURES, type Feature, GUARANTEES } from '@heed/core';
import { expect, test } from 'vitest';
import { allCases } from '../all-cases.ts';
import { verify } from '../verify.ts';
import { simpleProvider } from './simple-backend.ts';

const without = (...names: Feature[]): readonly Feature[] => FEATURES.filter((name) => !names.includes(name));
const NOTHING = 'no feature at all';
const SMALL = 'what a small engine has';
const PARTIAL: Readonly<Record<string, readonly Feature[]>> = {
  [NOTHING]: [],
  [SMALL]: ['causal', 'mask.boolean', 'lengths.key', 'gqa', 'logSumExp'],
  'everything but positions': without(
    'causal',
    'window',
    'alibi',
    'alignment.bottomRight',
    'alignment.offset',
  ),
  'everything but masks': without('mask.boolean', 'mask.float', 'bias', 'segments'),
  'everything but outputs and gradients': without('weights', 'logSumExp', 'statistics', 'gradient'),
};

/** Comparisons are all treated alike: those of one clause represent the others, and small ones represent large ones. */
const cases = (await allCases()).filter(
  ({ kind, clause, id }) =>
    (kind === 'behavior' || clause === 'combination') && !/across-tiles|many-|scattered|ahead/.test(id),
);
/** Guarantees vary the inputs in hundreds of cases: one of the lists represents the others. */
const few = cases.filter(({ clause }) => !(GUARANTEES as readonly string[]).includes(clause));
/** Behavior without features is the same whatever is declared: the empty list represents the others. */
const withFeatures = few.filter((one) => one.kind !== 'behavior' || one.features.length > 0);
const CASES: Readonly<Record<string, typeof cases>> = { [NOTHING]: few, [SMALL]: cases };

/** Defines the test of what a small engine declares (`test`), or of the other lists (`release`). */
export function testUndeclared(part: 'test' | 'release'): void {
  const lists = Object.entries(PARTIAL).filter(([name]) => (name === SMALL) === (part === 'test'));
  test.each(lists)('%s: what is not declared is refused, and no failure', async (name, features) => {
    const provider = simpleProvider({ capabilities: { features } });
    const report = await verify(provider, { cases: CASES[name] ?? withFeatures });
    expect(report.clauses.flatMap(({ failures }) => failures)).toEqual([]);
    expect(report.refused).toBeGreaterThan(0);
  });
}

import { FEATURES, type Feature, GUARANTEES } from '@heed/core';
import { expect, test } from 'vitest';
import { allCases } from '../all-cases.ts';
import { verify } from '../verify.ts';
import { simpleProvider } from './simple-backend.ts';

const without = (...names: Feature[]): readonly Feature[] => FEATURES.filter((name) => !names.includes(name));
const SMALL = 'what a small engine has';
const PARTIAL: Readonly<Record<string, readonly Feature[]>> = {
  'no feature at all': [],
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
    (kind === 'behavior' || clause === 'combination') && !/across-tiles|many-(rows|keys)/.test(id),
);
/** Guarantees vary the inputs in hundreds of cases: two of the lists represent the others. */
const few = cases.filter(({ clause }) => !(GUARANTEES as readonly string[]).includes(clause));
const withGuarantees = new Set(['no feature at all', SMALL]);

/** Defines the test of what a small engine declares (`test`), or of the other lists (`release`). */
export function testUndeclared(part: 'test' | 'release'): void {
  const lists = Object.entries(PARTIAL).filter(([name]) => (name === SMALL) === (part === 'test'));
  test.each(lists)('%s: what is not declared is refused, and no failure', async (name, features) => {
    const chosen = withGuarantees.has(name) ? cases : few;
    const report = await verify(simpleProvider({ capabilities: { features } }), { cases: chosen });
    expect(report.clauses.flatMap(({ failures }) => failures)).toEqual([]);
    expect(report.refused).toBeGreaterThan(0);
  });
}

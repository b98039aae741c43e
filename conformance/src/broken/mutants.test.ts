import { describe, expect, test } from 'vitest';
import { allCases } from '../all-cases.ts';
import { verify } from '../verify.ts';
import { FACTOR_MUTANTS } from './factor-mutants.ts';
import { testMutants } from './mutants.ts';
import { simpleProvider } from './simple-backend.ts';

testMutants('test');

// If one term is far above all others, the bound must not grow with the number of the others.
describe('a small factor is not hidden by a long sum', () => {
  const above = { forward: /^accuracy\/one-key-above/, gradient: /^accuracy\/gradient\/one-(key|row)-above/ };
  test.each([
    ['output off by 2⁻¹²', above.forward],
    ['weights off by 2⁻¹²', above.forward],
    ['logSumExp off by 2⁻¹²', above.forward],
    ['rowSum off by 2⁻¹²', above.forward],
    ['dValue off by 2⁻¹²', above.gradient],
  ] as const)('%s', async (name, ids) => {
    const cases = (await allCases()).filter(({ id }) => ids.test(id));
    const { failed } = await verify(simpleProvider(FACTOR_MUTANTS[name]!.overrides), { cases });
    expect(failed).toBe(cases.length);
    expect(failed).toBeGreaterThanOrEqual(3);
  });
});

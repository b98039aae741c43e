import { allCases } from '@heed/conformance';
import { suiteInWays } from '@heed/testing';
import { providerOf } from './provider-of.ts';

const cases = await allCases();
const isQuick = (n: number): boolean => n % 5 === 0;

/** Defines the tests of a part of the suite, in each mode of Node: every fifth case in `test`, the others in `release`. */
export function suite(part: 'test' | 'release'): Promise<void> {
  const chosen = cases.filter((_, n) => isQuick(n) === (part === 'test'));
  const modes = ['cpu', 'webasm', 'webgpu'] as const;
  return suiteInWays(modes.map((name) => ({ name, provider: providerOf(name), cases: chosen })));
}

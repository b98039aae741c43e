import { allCases, conformance } from '@heed/conformance';
import { describe, test } from 'vitest';
import type { Mode } from '../index.ts';
import { providerOf } from './provider-of.ts';

// The same objects for all modes: the expected results are kept with the case.
const cases = await allCases();
const isQuick = (n: number): boolean => n % 5 === 0;

/** Defines the tests of a part of the suite, in each mode of Node: every fifth case in `test`, the others in `release`. */
export async function suite(part: 'test' | 'release'): Promise<void> {
  const chosen = cases.filter((_, n) => isQuick(n) === (part === 'test'));
  for (const mode of ['cpu', 'webasm', 'webgpu'] as const satisfies readonly Mode[]) {
    const runner = {
      describe: (name: string, define: () => void) => {
        describe(`${mode}: ${name}`, () => {
          define();
        });
      },
      test,
    };
    await conformance(providerOf(mode), runner, { cases: chosen });
  }
}

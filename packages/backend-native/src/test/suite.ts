import { allCases, conformance } from '@heed/conformance';
import { withOptions } from '@heed/core';
import { describe, test } from 'vitest';
import native from '../index.ts';
import type { NativeOptions } from '../options.ts';
import { loadBinding } from '../platform/load.ts';

const loaded = loadBinding();
const levels = 'binding' in loaded ? loaded.binding.levels().map(({ option }) => option) : [undefined];
const ways = (levels as NativeOptions['level'][]).flatMap((level) =>
  [1, 2].map((threads) => ({ level, threads })),
);

// The same objects for all of them: each case keeps the results to compare with.
const cases = await allCases();

/** Defines the tests of a part of the suite: `test` has one thread of one level, and every fifth case of the other ways. */
export async function suite(part: 'test' | 'release'): Promise<void> {
  for (const way of ways) {
    const { level, threads } = way;
    const isQuick = (n: number): boolean => way === ways[0] || n % 5 === 0;
    const chosen = cases.filter((_, n) => isQuick(n) === (part === 'test'));
    if (chosen.length === 0) continue;
    const runner = {
      describe(name: string, define: () => void): void {
        describe(`${level}, ${threads} threads: ${name}`, () => {
          define();
        });
      },
      test,
    };
    const options = level === undefined ? { threads } : { threads, level };
    await conformance(withOptions(native, options), runner, { cases: chosen });
  }
}

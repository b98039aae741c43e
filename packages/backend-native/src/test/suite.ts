import { allCases } from '@heed/conformance';
import { withOptions } from '@heed/core';
import { suiteInWays } from '@heed/testing';
import native from '../index.ts';
import type { NativeOptions } from '../options.ts';
import { loadBinding } from '../platform/load.ts';

const loaded = loadBinding();
const levels = 'binding' in loaded ? loaded.binding.levels().map(({ option }) => option) : [undefined];
const ways = (levels as NativeOptions['level'][]).flatMap((level) =>
  [1, 2].map((threads) => ({ level, threads })),
);

const cases = await allCases();

/** Defines the tests of a part of the suite: `test` has one thread of one level, and every fifth case of the other ways. */
export function suite(part: 'test' | 'release'): Promise<void> {
  return suiteInWays(
    ways.map(({ level, threads }, way) => ({
      name: `${level}, ${threads} threads`,
      provider: withOptions(native, level === undefined ? { threads } : { threads, level }),
      cases: cases.filter((_, n) => (way === 0 || n % 5 === 0) === (part === 'test')),
    })),
  );
}

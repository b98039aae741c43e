import { allCases } from '@heed/conformance';
import { withOptions } from '@heed/core';
import { type Part, placesInClauses, suiteInWays } from '@heed/testing';
import native from '../index.ts';
import type { NativeOptions } from '../options.ts';
import { loadBinding } from '../platform/load.ts';

const loaded = loadBinding();
const levels = 'binding' in loaded ? loaded.binding.levels().map(({ option }) => option) : [undefined];
const ways = (levels as NativeOptions['level'][]).flatMap((level) =>
  [1, 2].map((threads) => ({ level, threads })),
);

const cases = await allCases();
const places = placesInClauses(cases);

/** `test` has one thread of one level, and every fifth case of the other ways; `release` has a quarter of their rest. */
function partOf(place: number, way: number): Part {
  if (way === 0 || place % 5 === 0) return 'test';
  return (place + way) % 4 === 0 ? 'release' : 'whole';
}

/** Defines the tests of a part of the suite. */
export function suite(part: Part): Promise<void> {
  return suiteInWays(
    ways.map(({ level, threads }, way) => ({
      name: `${level}, ${threads} threads`,
      provider: withOptions(native, level === undefined ? { threads } : { threads, level }),
      cases: cases.filter((one) => partOf(places.get(one)!, way) === part),
    })),
  );
}

import { allCases } from '@heed/conformance';
import { suiteInWays } from '@heed/testing';
import { tfjsNodeProvider } from '../provider.ts';
import type { TileLimits } from '../plan/tiles.ts';

/** Tiles of three rows and few keys: the cases of the suite, small as they are, take many tiles of every kind. */
const SMALL_TILES: TileLimits = {
  scores: 200,
  sampledScores: 200,
  minimumRows: 3,
  causalRows: 3,
  windowRows: 3,
  apart: 8,
};

const cases = await allCases();

/** Defines the tests of a part of the suite: in `test` are every fifth case in small tiles, and all with usual ones. */
export function suite(part: 'test' | 'release'): Promise<void> {
  const isTest = part === 'test';
  return suiteInWays([
    { name: 'as it is', provider: tfjsNodeProvider(), cases: isTest ? cases : [] },
    {
      name: 'in small tiles',
      provider: tfjsNodeProvider({ limits: SMALL_TILES }),
      cases: cases.filter((_, n) => (n % 5 === 0) === isTest),
    },
  ]);
}

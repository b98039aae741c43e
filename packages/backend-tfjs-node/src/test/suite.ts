import { allCases } from '@heed/conformance';
import { type Part, placesInClauses, suiteInWays } from '@heed/testing';
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
const places = placesInClauses(cases);

/** In small tiles, `test` has every fifth case, `release` a quarter of the others. */
function partOf(place: number): Part {
  if (place % 5 === 0) return 'test';
  return place % 4 === 2 ? 'release' : 'whole';
}

/** Defines the tests of a part of the suite: with usual tiles, all are in `test`. */
export function suite(part: Part): Promise<void> {
  return suiteInWays([
    { name: 'as it is', provider: tfjsNodeProvider(), cases: part === 'test' ? cases : [] },
    {
      name: 'in small tiles',
      provider: tfjsNodeProvider({ limits: SMALL_TILES }),
      cases: cases.filter((one) => partOf(places.get(one)!) === part),
    },
  ]);
}

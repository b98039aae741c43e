import { allCases } from '@heed/conformance';
import { type Part, placesInClauses, suiteInWays } from '@heed/testing';
import { COMBINATIONS, nameOf, providerOf } from './combinations.ts';

const cases = await allCases();
const places = placesInClauses(cases);

/** `test` has the first combination, and every fifth case of the others; `release` has the rest in one of these. */
function partOf(place: number, combination: number): Part {
  if (combination === 0 || place % 5 === 0) return 'test';
  return place % (COMBINATIONS.length - 1) === combination - 1 ? 'release' : 'whole';
}

/** Defines the tests of a part of the suite. */
export function suite(part: Part): Promise<void> {
  return suiteInWays(
    COMBINATIONS.map((options, combination) => ({
      name: nameOf(options),
      provider: providerOf(options),
      cases: cases.filter((one) => partOf(places.get(one)!, combination) === part),
    })),
  );
}

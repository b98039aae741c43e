import { allCases } from '@heed/conformance';
import { type Part, placesInClauses, suiteInWays } from '@heed/testing';
import { providerOf } from './provider-of.ts';

const cases = await allCases();
const places = placesInClauses(cases);
const MODES = ['cpu', 'webasm', 'webgpu'] as const;

/** `test` has every fifth case in each mode of Node, `release` half of the others in one of the modes. */
function partOf(place: number, mode: number): Part {
  if (place % 5 === 0) return 'test';
  return place % (2 * MODES.length) === mode ? 'release' : 'whole';
}

/** Defines the tests of a part of the suite. */
export function suite(part: Part): Promise<void> {
  return suiteInWays(
    MODES.map((name, mode) => ({
      name,
      provider: providerOf(name),
      cases: cases.filter((one) => partOf(places.get(one)!, mode) === part),
    })),
  );
}

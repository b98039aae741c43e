import { allCases, conformance } from '@heed/conformance';
import { describe, test } from 'vitest';
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

// The same objects for both: each case keeps the results to compare with.
const cases = await allCases();

/** Defines the tests of a part of the suite: in `test` are every fifth case in small tiles, and all with usual ones. */
export async function suite(part: 'test' | 'release'): Promise<void> {
  for (const [name, limits] of [
    ['as it is', undefined],
    ['in small tiles', SMALL_TILES],
  ] as const) {
    const isQuick = (n: number): boolean => limits === undefined || n % 5 === 0;
    const chosen = cases.filter((_, n) => isQuick(n) === (part === 'test'));
    if (chosen.length === 0) continue;
    const runner = {
      describe(clause: string, define: () => void): void {
        describe(`${name}: ${clause}`, () => {
          define();
        });
      },
      test,
    };
    await conformance(tfjsNodeProvider(limits && { limits }), runner, { cases: chosen });
  }
}

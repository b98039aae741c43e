import { type ConformanceCase, conformance } from '@heed/conformance';
import type { BackendProvider } from '@heed/core';
import { describe, test } from 'vitest';

/** A way in which a backend can run: with options, on an instruction set, in a mode. */
interface Way {
  /** Stands before the clause in the names of the tests. */
  readonly name: string;
  readonly provider: BackendProvider;
  /** Cases of one `allCases()` for all ways: each case keeps the results to compare with. */
  readonly cases: readonly ConformanceCase[];
}

/**
 * The part of the tests that something runs in: `test` before a commit, `release` besides in `.ci/run`, `whole` in `test:whole` alone, which runs the others as well.
 */
export type Part = 'test' | 'release' | 'whole';

/** The place of each case among those of its clause: whoever takes every fifth place takes some of every clause. */
export function placesInClauses(cases: readonly ConformanceCase[]): ReadonlyMap<ConformanceCase, number> {
  const counts = new Map<string, number>();
  return new Map(
    cases.map((one) => {
      const place = counts.get(one.clause) ?? 0;
      counts.set(one.clause, place + 1);
      return [one, place];
    }),
  );
}

/** Defines a test for each case of each way; a way without cases defines none. */
export async function suiteInWays(ways: readonly Way[]): Promise<void> {
  for (const { name, provider, cases } of ways) {
    if (cases.length === 0) continue;
    const runner = {
      describe(clause: string, define: () => void): void {
        describe(`${name}: ${clause}`, () => {
          define();
        });
      },
      test,
    };
    await conformance(provider, runner, { cases });
  }
}

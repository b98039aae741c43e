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

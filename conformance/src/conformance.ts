import { type AttentionBackend, type BackendProvider, checkContract } from '@heed/core';
import { checkOptions, listOf, text } from '@heed/core/backend';
import type { ConformanceCase } from './case.ts';
import { unexpectedSuccess } from './report.ts';
import { runCase } from './run-case.ts';
import { type VerifyOptions, casesFor } from './verify.ts';
import { cases as casesKind, expectedFailures as expectedFailuresKind } from './options.ts';

/** Functions of a test runner that the suite needs: those of vitest, node:test, Jest and Mocha fit. */
export interface TestRunner {
  describe(name: string, define: () => void): unknown;
  readonly test: TestFunction;
}

/** The `test` of a runner; `skip` shows a test that cannot run here. */
export interface TestFunction {
  (name: string, run: () => Promise<void>): unknown;
  skip?(name: string, run: () => Promise<void>): unknown;
}

/** Options of {@link conformance}. */
export type ConformanceOptions = Pick<VerifyOptions, 'clauses' | 'ids' | 'cases' | 'expectedFailures'>;

/**
 * Registers every case as a test of the runner, one `describe` for each clause. An engine that cannot run here is one
 * skipped test that names the reason and the remedy, or a failing one when the environment variable `HEED_REQUIRE` is
 * `all` or names the provider, in a list separated by commas.
 *
 * @throws HeedError `ARGUMENT` or `UNKNOWN_OPTION`.
 *
 * @example
 * ```ts
 * import { describe, test } from 'node:test';
 * import { conformance } from '@heed/conformance';
 * import reference from '@heed/core/reference';
 *
 * await conformance(reference, { describe, test });
 * ```
 */
export async function conformance(
  provider: BackendProvider,
  { describe, test }: TestRunner,
  options: ConformanceOptions = {},
): Promise<void> {
  checkOptions('conformance()', options, {
    clauses: listOf(text),
    ids: listOf(text),
    cases: casesKind,
    expectedFailures: expectedFailuresKind,
  });
  checkContract(provider);
  const cases = await casesFor(options);
  const availability = await provider.probe();
  if (!availability.available) {
    const absence = `${provider.name} is not available: ${availability.reason} (${availability.remedy})`;
    describe(`${provider.name} conformance`, () => registerAbsence(provider.name, absence, test));
    return;
  }

  const shared = sharedBackend(provider);
  describe(`${provider.name} conformance`, () => {
    for (const [clause, members] of byClause(cases)) {
      describe(clause, () => {
        for (const theCase of members)
          registerCase(theCase, provider, shared, test, options.expectedFailures ?? {});
      });
    }
    test('the backend is disposed', () => shared.dispose());
  });
}

function byClause(cases: readonly ConformanceCase[]): Map<string, ConformanceCase[]> {
  const groups = new Map<string, ConformanceCase[]>();
  for (const theCase of cases) groups.set(theCase.clause, [...(groups.get(theCase.clause) ?? []), theCase]);
  return groups;
}

function registerAbsence(name: string, absence: string, test: TestFunction): void {
  const required = requiredBackends();
  if (required.includes('all') || required.includes(name)) {
    test(absence, () =>
      Promise.reject(new Error(`${absence}; HEED_REQUIRE=${required.join(',')} asks for it`)),
    );
  } else if (test.skip) {
    test.skip(absence, () => Promise.resolve());
  } else {
    test(`skipped: ${absence}`, () => Promise.resolve());
  }
}

function requiredBackends(): string[] {
  const { process } = globalThis as { process?: { env?: Record<string, string | undefined> } };
  return (process?.env?.['HEED_REQUIRE'] ?? '').split(',').map((name) => name.trim());
}

/** One backend for all cases, made by the first and disposed by the last: runners need no hooks for it. */
function sharedBackend(provider: BackendProvider): {
  get(): Promise<AttentionBackend>;
  dispose(): Promise<void>;
} {
  let backend: Promise<AttentionBackend> | null = null;
  return {
    get: () => (backend ??= provider.create()),
    dispose: async () => (await backend)?.dispose(),
  };
}

function registerCase(
  theCase: ConformanceCase,
  provider: BackendProvider,
  shared: { get(): Promise<AttentionBackend> },
  test: TestFunction,
  expectedFailures: Readonly<Record<string, string>>,
): void {
  const expected = expectedFailures[theCase.id];
  const name = expected === undefined ? theCase.id : `${theCase.id} (expected failure: ${expected})`;
  test(name, async () => {
    const outcome = await runCase(theCase, { provider, backend: await shared.get() });
    if (expected === undefined && outcome.status === 'failed') {
      const { purpose } = theCase;
      throw new Error(purpose === undefined ? outcome.message : `${outcome.message}\n${purpose}`);
    }
    if (expected !== undefined && outcome.status !== 'failed') {
      throw new Error(unexpectedSuccess(outcome.status, expected));
    }
  });
}

import { type BackendProvider, HeedError, checkContract } from '@heed/core';
import { abortSignal, callback, checkOptions, listOf, listed, text } from '@heed/core/backend';
import { allCases, casesOf } from './all-cases.ts';
import type { ConformanceCase } from './case.ts';
import { clauseOfId } from './cases/building/purposes.ts';
import { type CaseStatus, type Report, ReportBuilder } from './report.ts';
import { runCase } from './run-case.ts';
import { cases as casesKind, expectedFailures as expectedFailuresKind } from './options.ts';

/** Progress of {@link verify}. */
export interface Progress {
  readonly done: number;
  readonly total: number;
  /** The id of the case that has just ended. */
  readonly id: string;
  readonly status: CaseStatus;
}

/** Options of {@link verify}. */
export interface VerifyOptions {
  /** Only the cases of these clauses of SPEC.md. Default: all. */
  readonly clauses?: readonly string[] | undefined;
  /** Only the cases with these ids. Default: all. */
  readonly ids?: readonly string[] | undefined;
  /** Default: {@link allCases}. */
  readonly cases?: readonly ConformanceCase[] | undefined;
  /** Ids of cases that are known to fail, with the reason. One that passes is a failure. */
  readonly expectedFailures?: Readonly<Record<string, string>> | undefined;
  /** Called after each case. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Ends the verification after the current case: it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs the suite on a provider, without a test runner.
 *
 * @throws HeedError `CONTRACT_VERSION`; `UNAVAILABLE` when the engine cannot run here; `ARGUMENT` for a clause, an id
 * or an expected failure that no case has; `UNKNOWN_OPTION`. Whatever else the backend throws is a failure in the report.
 *
 * @example
 * ```ts
 * import { verify } from '@heed/conformance';
 * import reference from '@heed/core/reference';
 *
 * const report = await verify(reference, { clauses: ['gqa'] });
 * console.log(report.failed); // 0
 * ```
 */
export async function verify(provider: BackendProvider, options: VerifyOptions = {}): Promise<Report> {
  checkOptions('verify()', options, {
    clauses: listOf(text),
    ids: listOf(text),
    cases: casesKind,
    expectedFailures: expectedFailuresKind,
    onProgress: callback,
    signal: abortSignal,
  });
  const cases = await casesFor(options);
  const availability = await availabilityOf(provider);
  if (!availability.available) {
    throw new HeedError('UNAVAILABLE', `${provider.name}: ${availability.reason}`, {
      remedy: availability.remedy,
    });
  }
  const backend = await provider.create();
  const builder = new ReportBuilder();
  try {
    for (const [index, theCase] of cases.entries()) {
      options.signal?.throwIfAborted();
      const outcome = await runCase(theCase, { provider, backend });
      builder.add(theCase, outcome, options.expectedFailures?.[theCase.id]);
      const { id } = theCase;
      options.onProgress?.({ done: index + 1, total: cases.length, id, status: outcome.status });
    }
    return builder.build(backend.name, backend.device);
  } finally {
    await backend.dispose();
  }
}

async function availabilityOf(provider: BackendProvider): ReturnType<BackendProvider['probe']> {
  checkContract(provider);
  return provider.probe();
}

/** The cases that are asked for, of those given or of the suite, and no more of it than they need. */
export async function casesFor(
  options: Pick<VerifyOptions, 'cases' | 'clauses' | 'ids' | 'expectedFailures'>,
): Promise<readonly ConformanceCase[]> {
  const { cases, clauses, ids, expectedFailures = {} } = options;
  if (cases !== undefined) return selectCases(cases, options);
  if (clauses === undefined && ids === undefined) return selectCases(await allCases(), options);
  const named = [...(ids ?? []), ...Object.keys(expectedFailures)].map(clauseOfId);
  return selectCases(await casesOf([...(clauses ?? []), ...named]), options);
}

/**
 * The cases of the clauses and with the ids that are asked for.
 *
 * @throws HeedError `ARGUMENT` for a clause, an id or an expected failure that no case has.
 *
 * @example
 * ```ts
 * import { allCases, selectCases } from '@heed/conformance';
 *
 * const [first] = selectCases(await allCases(), { clauses: ['gqa'] });
 * console.log(first!.id); // gqa/control
 * ```
 */
export function selectCases(
  cases: readonly ConformanceCase[],
  { clauses, ids, expectedFailures = {} }: Pick<VerifyOptions, 'clauses' | 'ids' | 'expectedFailures'>,
): readonly ConformanceCase[] {
  const known = new Set(cases.map(({ clause }) => clause));
  const knownIds = new Set(cases.map(({ id }) => id));
  const unknown = clauses?.find((name) => !known.has(name));
  if (unknown !== undefined) {
    throw new HeedError('ARGUMENT', `unknown clause ${unknown}`, {
      remedy: `choose from ${listed([...known].sort())}: \`heed list clauses\` prints all`,
    });
  }
  const missing = ids?.find((id) => !knownIds.has(id));
  if (missing !== undefined) throw unknownId(missing, [...knownIds]);
  const stale = Object.keys(expectedFailures).find((id) => !knownIds.has(id));
  if (stale !== undefined) {
    throw new HeedError('ARGUMENT', `unknown case ${stale} in the list of expected failures`, {
      remedy: 'take it off the list',
    });
  }
  return cases.filter(({ id, clause }) => (clauses?.includes(clause) ?? true) && (ids?.includes(id) ?? true));
}

/** Names the ids that share the longest beginning with the unknown one, path by path. */
function unknownId(id: string, known: readonly string[]): HeedError {
  const steps = id.split('/');
  const families = steps.map((_, length) => steps.slice(0, steps.length - length).join('/'));
  const near = families
    .map((family) => known.filter((other) => other === family || other.startsWith(`${family}/`)))
    .find((found) => found.length > 0);
  return new HeedError('ARGUMENT', `unknown case ${id}`, {
    remedy:
      near === undefined
        ? 'choose from the ids of allCases(), which `heed list cases` prints'
        : `choose from ${listed(near)}`,
  });
}

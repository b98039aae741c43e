import { type BackendProvider, HeedError, checkContract } from '@heed/core';
import { allCases } from './all-cases.ts';
import type { ConformanceCase } from './case.ts';
import { type Report, ReportBuilder } from './report.ts';
import { runCase } from './run-case.ts';

/** How far {@link verify} has come. */
export interface Progress {
  readonly done: number;
  readonly total: number;
  /** The id of the case that has just ended. */
  readonly id: string;
  readonly status: 'passed' | 'failed' | 'refused' | 'notGuaranteed' | 'notApplicable';
}

export interface VerifyOptions {
  /** Only the cases of these clauses of SPEC.md. Default: all. */
  readonly topics?: readonly string[];
  /** Default: {@link allCases}. */
  readonly cases?: readonly ConformanceCase[];
  /** Ids of cases that are known to fail, with the reason. One that passes is a failure. */
  readonly expectedFailures?: Readonly<Record<string, string>>;
  readonly onProgress?: (progress: Progress) => void;
  /** Ends the verification after the current case: it rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * Runs the suite on a provider, without a test runner.
 *
 * @throws HeedError `CONTRACT_VERSION`; `UNAVAILABLE` when the engine cannot run here; `ARGUMENT` for a topic or an
 * expected failure that no case has. Whatever else the backend throws is a failure in the report.
 *
 * @example
 * ```ts
 * import { verify } from '@heed/conformance';
 * import reference from '@heed/core/reference';
 *
 * const report = await verify(reference, { topics: ['gqa'] });
 * console.log(report.failed); // 0
 * ```
 */
export async function verify(provider: BackendProvider, options: VerifyOptions = {}): Promise<Report> {
  const cases = selectCases(options.cases ?? (await allCases()), options);
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

/** The cases of the topics asked for. */
export function selectCases(
  cases: readonly ConformanceCase[],
  { topics, expectedFailures = {} }: Pick<VerifyOptions, 'topics' | 'expectedFailures'>,
): readonly ConformanceCase[] {
  const known = new Set(cases.map(({ clause }) => clause));
  const ids = new Set(cases.map(({ id }) => id));
  const topic = topics?.find((name) => !known.has(name));
  if (topic !== undefined) {
    throw new HeedError('ARGUMENT', `there is no topic ${topic}`, {
      remedy: `choose from ${[...known].sort().join(', ')}`,
    });
  }
  const stale = Object.keys(expectedFailures).find((id) => !ids.has(id));
  if (stale !== undefined) {
    throw new HeedError('ARGUMENT', `there is no case ${stale}, which is on the list of expected failures`, {
      remedy: 'take it off the list',
    });
  }
  return topics === undefined ? cases : cases.filter(({ clause }) => topics.includes(clause));
}

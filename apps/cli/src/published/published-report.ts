import type { ClauseReport, Tally } from '@heed/conformance';
import type { Capabilities, HeedErrorJSON } from '@heed/core';
import type { Diagnosis } from '../backends/diagnose.ts';
import type { Verified } from '../backends/verify-backend.ts';

/** Version of the format below. An added field keeps it; any other change is a new version. */
export const REPORT_FORMAT = 'heed-report/1';

/** Report of a verification that a backend's author publishes: REPORT.md defines each field. */
export interface PublishedReport {
  readonly format: typeof REPORT_FORMAT;
  /** ISO 8601, in UTC. */
  readonly date: string;
  readonly backend: {
    readonly name: string;
    readonly package: string | null;
    readonly version: string | null;
    readonly device: string | null;
    readonly capabilities: Capabilities | null;
  };
  readonly suite: {
    readonly contract: number;
    readonly conformance: string;
    readonly core: string;
    /** Clauses that the run was limited to; null for all of them. */
    readonly clauses: readonly string[] | null;
    /** Ids of the cases that the run was limited to; null for all of them. */
    readonly cases: readonly string[] | null;
    /** True if other cases than the suite's were run. */
    readonly ownCases: boolean;
  };
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly os: string;
    readonly node: string;
  };
  /** True if the whole suite was run and nothing failed, as expected or not. */
  readonly conforms: boolean;
  readonly summary: Tally & { readonly expectedFailures: number };
  readonly clauses: readonly ClauseReport[];
  /** Error that ended the verification early; null if it reached its end. */
  readonly error: HeedErrorJSON | null;
}

/** Fields of a report besides the results. */
export type Circumstances = Pick<PublishedReport, 'date' | 'suite' | 'machine'>;

export function publishedReport(
  verified: Verified,
  { capabilities }: Pick<Diagnosis, 'capabilities'>,
  circumstances: Circumstances,
): PublishedReport {
  const { name, device, version, passed, failed, refused, notGuaranteed, expectedFailures, clauses } =
    verified;
  return {
    format: REPORT_FORMAT,
    ...circumstances,
    backend: { name, package: verified.package, version, device, capabilities },
    conforms: !isPartial(circumstances) && failed === 0 && expectedFailures === 0 && passed > 0,
    summary: { passed, failed, refused, notGuaranteed, expectedFailures },
    clauses,
    error: verified.error ?? null,
  };
}

/** Returns whether a report covers less than the whole suite. */
export function isPartial({ suite }: Pick<PublishedReport, 'suite'>): boolean {
  return suite.clauses !== null || suite.cases !== null || suite.ownCases;
}

/** Returns the result in a few words. */
export function verdict(report: PublishedReport): string {
  const { passed, failed, expectedFailures } = report.summary;
  if (failed > 0) return `${failed} failed`;
  return [
    `${passed} passed`,
    ...(expectedFailures > 0 ? [`${expectedFailures} known to fail`] : []),
    ...(isPartial(report) ? ['in part'] : []),
  ].join(', ');
}

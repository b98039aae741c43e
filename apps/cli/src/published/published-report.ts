import type { ClauseReport, Tally } from '@heed/conformance';
import type { Capabilities, HeedErrorJSON } from '@heed/core';
import type { Diagnosis } from '../backends/diagnose.ts';
import type { Verified } from '../backends/verify-backend.ts';

/** The version of the form below. A field that is added leaves it as it is; anything else is a new one. */
export const REPORT_FORMAT = 'heed-report/1';

/** What a backend's author publishes of a verification: REPORT.md says what each field means. */
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
    /** Clauses that were left to; null for all of them. */
    readonly clauses: readonly string[] | null;
    /** Ids of the cases that were left to; null for all of them. */
    readonly cases: readonly string[] | null;
    /** Whether other cases than the suite's were run. */
    readonly ownCases: boolean;
  };
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly os: string;
    readonly node: string;
  };
  /** The whole suite was run, and nothing failed. */
  readonly conforms: boolean;
  readonly summary: Tally & { readonly expectedFailures: number };
  readonly clauses: readonly ClauseReport[];
  /** Why the verification ended early; null when it reached its end. */
  readonly error: HeedErrorJSON | null;
}

/** What a report says besides the results. */
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
    conforms: !isPartial(circumstances) && failed === 0 && passed > 0,
    summary: { passed, failed, refused, notGuaranteed, expectedFailures },
    clauses,
    error: verified.error ?? null,
  };
}

/** Whether a report speaks of less than the whole suite. */
export function isPartial({ suite }: Pick<PublishedReport, 'suite'>): boolean {
  return suite.clauses !== null || suite.cases !== null || suite.ownCases;
}

/** The result in two or three words. */
export function verdict(report: PublishedReport): string {
  const { passed, failed } = report.summary;
  if (failed > 0) return `${failed} failed`;
  return isPartial(report) ? `${passed} passed, in part` : `${passed} passed`;
}

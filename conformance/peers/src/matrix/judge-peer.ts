import {
  type CaseReport,
  type ClauseReport,
  type ConformanceCase,
  allCases,
  verify,
} from '@heed/conformance';
import { FEATURES, resolveRequest } from '@heed/core';
import { featuresOf } from '@heed/core/backend';
import type { Peer } from '../peer.ts';
import { type FailureClass, expectedFailuresOf, expectedList } from '../expected/expected-list.ts';

/** Clauses about the shell that Heed puts around a library, which say nothing about the library. */
const SHELL = new Set(['contract', 'refusal', 'errors', 'life', 'resident']);

/** Clauses of a feature, such as `mask` of `mask.boolean`. */
const OF_FEATURES = new Set(FEATURES.map((feature) => feature.split('.')[0]!));

/** One cell of the matrix. */
export interface Cell {
  readonly clause: string;
  readonly passed: number;
  /** Cases that the library's documentation does not promise. */
  readonly notDeclared: number;
  /** Cases that fail as the list of expected failures says, by class. */
  readonly expected: Readonly<Partial<Record<FailureClass, number>>>;
  /** Failures that are not on the list, and listed ones that pass. */
  readonly unexpected: readonly { readonly id: string; readonly message: string }[];
}

/** Environment in which a column was made. */
export interface Circumstances {
  readonly date: string;
  readonly machine: string;
  readonly node: string;
  /** Time for the whole suite. */
  readonly seconds: number;
  /** Number of the cases that were run in place of the whole suite; null for all. */
  readonly sample: number | null;
}

/** One column of the matrix. Plain JSON, kept in `columns/NAME.json`. */
export interface Judged extends Circumstances {
  readonly name: string;
  readonly library: string;
  readonly operation: string;
  readonly documentation: string;
  readonly device: string;
  readonly cells: readonly Cell[];
}

/** The cases that judge a library rather than Heed's shell around it. */
export async function peerCases(): Promise<readonly ConformanceCase[]> {
  return (await allCases()).filter((theCase) => !SHELL.has(theCase.clause) && reachesFeature(theCase));
}

/**
 * Returns false for a case in the clause of a feature that uses none: a mistake, which Heed refuses before the library is
 * called, or a feature that is given as absent, such as a window without sides.
 */
function reachesFeature(theCase: ConformanceCase): boolean {
  if (!OF_FEATURES.has(theCase.clause)) return true;
  if (theCase.kind === 'behavior') return theCase.features.length > 0 || theCase.guarantee !== undefined;
  const problem = theCase.kind === 'sequence' ? theCase.problem : resolveRequest(theCase.request()).problem;
  return featuresOf(problem).length > 0;
}

/** Runs cases on a peer and compares its list of expected failures with the result. */
export async function judgePeer(
  peer: Peer,
  cases: readonly ConformanceCase[],
  about: Circumstances,
): Promise<Judged> {
  const ids = new Set(cases.map(({ id }) => id));
  const groups = expectedList(peer.name)
    .map((group) => ({ ...group, cases: group.cases.filter((id) => ids.has(id)) }))
    .filter((group) => group.cases.length > 0);
  const report = await verify(peer, { cases, expectedFailures: expectedFailuresOf(groups) });
  return judged(peer, report.device, report.clauses, ids, about);
}

/** Makes a column of the report of a verification, of the cases with these ids. */
export function judged(
  { name, library, operation, documentation }: Peer,
  device: string,
  clauses: readonly ClauseReport[],
  ids: ReadonlySet<string>,
  about: Circumstances,
): Judged {
  const classes = new Map(
    expectedList(name).flatMap(({ class: kind, cases }) => cases.map((id) => [id, kind])),
  );
  const cells = clauses
    .map((report) => ({ ...report, cases: report.cases.filter(({ id }) => ids.has(id)) }))
    .filter(({ cases }) => cases.length > 0)
    .map(({ clause, failures, cases }) => {
      const count = (...wanted: readonly CaseReport['status'][]): number =>
        cases.filter(({ status }) => wanted.includes(status)).length;
      const expected: Partial<Record<FailureClass, number>> = {};
      for (const { id, status } of cases) {
        const kind = classes.get(id);
        if (status === 'expectedFailure' && kind !== undefined) expected[kind] = (expected[kind] ?? 0) + 1;
      }
      const unexpected = failures.filter(({ id }) => ids.has(id)).map(({ id, message }) => ({ id, message }));
      const notDeclared = count('refused', 'notGuaranteed', 'notApplicable');
      return { clause, passed: count('passed'), notDeclared, expected, unexpected };
    });
  return { name, library, operation, documentation, device, ...about, cells };
}

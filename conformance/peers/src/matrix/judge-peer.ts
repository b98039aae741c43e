import { type ClauseReport, type ConformanceCase, allCases, verify } from '@heed/conformance';
import type { Peer } from '../peer.ts';
import { type FailureClass, expectedFailuresOf, expectedList } from '../expected/expected-list.ts';

/** Clauses about the shell that Heed puts around a library, which say nothing about the library. */
const SHELL = new Set(['contract', 'refusal', 'errors', 'life', 'resident']);

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
  return (await allCases()).filter(({ clause }) => !SHELL.has(clause));
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
  return judged(peer, report.device, report.clauses, about);
}

/** Makes a column of the report of a verification. */
export function judged(
  { name, library, operation, documentation }: Peer,
  device: string,
  clauses: readonly ClauseReport[],
  about: Circumstances,
): Judged {
  const classes = new Map(
    expectedList(name).flatMap(({ class: kind, cases }) => cases.map((id) => [id, kind])),
  );
  const cells = clauses
    .filter(({ clause }) => !SHELL.has(clause))
    .map(({ clause, passed, refused, notGuaranteed, failures, cases }) => {
      const expected: Partial<Record<FailureClass, number>> = {};
      for (const { id, status } of cases) {
        const kind = classes.get(id);
        if (status === 'expectedFailure' && kind !== undefined) expected[kind] = (expected[kind] ?? 0) + 1;
      }
      const unexpected = failures.map(({ id, message }) => ({ id, message }));
      return { clause, passed, notDeclared: refused + notGuaranteed, expected, unexpected };
    });
  return { name, library, operation, documentation, device, ...about, cells };
}

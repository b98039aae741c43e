import { type ConformanceCase, allCases, verify } from '@heed/conformance';
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
}

/** One column of the matrix. Plain JSON, kept in `columns/NAME.json`. */
export interface Judged extends Circumstances {
  readonly name: string;
  readonly library: string;
  readonly operation: string;
  readonly documentation: string;
  readonly device: string;
  readonly seconds: number;
  readonly cells: readonly Cell[];
}

/** The cases that judge a library rather than Heed's shell around it. */
export async function peerCases(): Promise<readonly ConformanceCase[]> {
  return (await allCases()).filter(({ clause }) => !SHELL.has(clause));
}

/** Runs the suite on a peer and compares its list of expected failures with the result. */
export async function judgePeer(
  peer: Peer,
  cases: readonly ConformanceCase[],
  about: Circumstances,
): Promise<Judged> {
  const ids = new Set(cases.map(({ id }) => id));
  const groups = expectedList(peer.name)
    .map((group) => ({ ...group, cases: group.cases.filter((id) => ids.has(id)) }))
    .filter((group) => group.cases.length > 0);
  const started = performance.now();
  const report = await verify(peer, { cases, expectedFailures: expectedFailuresOf(groups) });
  const seconds = Math.round((performance.now() - started) / 1000);
  const clauseOf = new Map(cases.map(({ id, clause }) => [id, clause]));
  const { name, library, operation, documentation } = peer;
  const cells = report.clauses.map(({ clause, passed, refused, notGuaranteed, failures }) => {
    const unexpected = new Set(failures.map(({ id }) => id));
    const expected: Partial<Record<FailureClass, number>> = {};
    for (const group of groups) {
      const failing = group.cases.filter((id) => clauseOf.get(id) === clause && !unexpected.has(id));
      if (failing.length > 0) expected[group.class] = (expected[group.class] ?? 0) + failing.length;
    }
    return { clause, passed, notDeclared: refused + notGuaranteed, expected, unexpected: failures };
  });
  return { name, library, operation, documentation, device: report.device, ...about, seconds, cells };
}

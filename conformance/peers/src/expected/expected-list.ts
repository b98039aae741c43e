import { readFileSync } from 'node:fs';
import * as v from 'valibot';

/**
 * Reason why a case of the suite fails on a library.
 *
 * - `difference`: its documentation defines another result.
 * - `defect`: it contradicts its documentation, or the standard that it implements.
 * - `precision`: right, with a larger error than the suite allows.
 * - `unspecified`: no documentation settles what is right.
 * - `inexpressible`: its interface cannot express the combination.
 */
export const FAILURE_CLASSES = ['difference', 'defect', 'precision', 'unspecified', 'inexpressible'] as const;
export type FailureClass = (typeof FAILURE_CLASSES)[number];

/** Cases that fail for one reason. */
export interface ExpectedGroup {
  readonly class: FailureClass;
  /** One sentence for readers of the matrix. */
  readonly reason: string;
  /** For a defect and a difference: what the documentation says, and where. */
  readonly source?: string;
  /** For a defect: the folder in `defects` that shows it without Heed. */
  readonly defect?: string;
  readonly cases: readonly string[];
}

const group: v.GenericSchema<ExpectedGroup> = v.strictObject({
  class: v.picklist(FAILURE_CLASSES),
  reason: v.pipe(v.string(), v.minLength(20)),
  source: v.exactOptional(v.string()),
  defect: v.exactOptional(v.string()),
  cases: v.pipe(v.array(v.string()), v.minLength(1)),
});

const list: v.GenericSchema<{ readonly peer: string; readonly failures: readonly ExpectedGroup[] }> =
  v.strictObject({ peer: v.string(), failures: v.array(group) });

/** The expected failures of a peer, from `expected/NAME.json`. */
export function expectedList(peer: string): readonly ExpectedGroup[] {
  const file = new URL(`../../expected/${peer}.json`, import.meta.url);
  return v.parse(list, JSON.parse(readFileSync(file, 'utf8'))).failures;
}

/** The same by case, as `verify()` takes them. */
export function expectedFailuresOf(groups: readonly ExpectedGroup[]): Record<string, string> {
  return Object.fromEntries(
    groups.flatMap(({ class: kind, reason, cases }) => cases.map((id) => [id, `${kind}: ${reason}`])),
  );
}

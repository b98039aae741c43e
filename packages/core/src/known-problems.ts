import { problemKey } from './check-problem.ts';
import type { AttentionProblem } from './problem.ts';

/** Problems that are known at one time: a loop over layers and lengths makes a few dozen, again and again. */
const CAPACITY = 64;

const byKey = new Map<string, AttentionProblem>();
const keys = new WeakMap<AttentionProblem, string>();

/**
 * Returns the first of all equal problems in their normal form, so that what is derived from one is derived once: its key, and the inputs
 * that it requires. Nobody can change it, since other calls have it, too.
 */
export function knownProblem(problem: AttentionProblem): AttentionProblem {
  const key = problemKey(problem);
  const known = byKey.get(key);
  if (known !== undefined) return known;
  freeze(problem);
  byKey.set(key, problem);
  keys.set(problem, key);
  for (const oldest of byKey.keys()) {
    if (byKey.size <= CAPACITY) break;
    byKey.delete(oldest);
  }
  return problem;
}

/** Returns a string that is equal for equal problems in their normal form. */
export function keyOf(problem: AttentionProblem): string {
  return keys.get(problem) ?? problemKey(problem);
}

function freeze(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  Object.freeze(value);
  for (const member of Object.values(value)) freeze(member);
}

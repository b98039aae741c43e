import type { ConformanceCase } from '../../case.ts';

/** Faults that cases are there to find, in a sentence each, by the beginnings of their ids: whole steps of the path. */
export type Purposes = Readonly<Record<string, string>>;

/** The cases with their purposes: each has the sentence of the longest beginning of its id. */
export function explained(purposes: Purposes, cases: readonly ConformanceCase[]): ConformanceCase[] {
  return cases.map((theCase) => {
    const beginning = beginningsOf(theCase.id).find((candidate) => Object.hasOwn(purposes, candidate));
    return beginning === undefined ? theCase : { ...theCase, purpose: purposes[beginning]! };
  });
}

/** `a/b/c`, `a/b`, `a` of `a/b/c`. */
export function beginningsOf(id: string): string[] {
  const steps = id.split('/');
  return steps.map((_, left) => steps.slice(0, steps.length - left).join('/'));
}

/** The clause of a case, or of a family of cases: the first step of its id. */
export function clauseOfId(id: string): string {
  return id.split('/')[0]!;
}

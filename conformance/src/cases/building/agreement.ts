import type { CaseRequest } from '../../case-request.ts';

import type { AgreementCase } from '../../case.ts';
import { type Sketch, dOutputOf, requestOf } from '../../sketch.ts';

/**
 * A case that compares with the reference. Its numbers follow from its id.
 *
 * @param change makes what a sketch cannot say: exact ties, a huge key, a mask of −3.4e38.
 */
export function agreement(
  clause: string,
  name: string,
  sketch: Sketch,
  change: (request: CaseRequest) => CaseRequest = (request) => request,
): AgreementCase {
  const id = `${clause}/${name}`;
  return {
    kind: 'agreement',
    id,
    clause,
    request: () => change(requestOf(sketch, id)),
    ...(sketch.gradient && { dOutput: () => dOutputOf(sketch, id) }),
  };
}

/** One case for each named sketch. */
export function agreements(clause: string, sketches: Readonly<Record<string, Sketch>>): AgreementCase[] {
  return Object.entries(sketches).map(([name, sketch]) => agreement(clause, name, sketch));
}

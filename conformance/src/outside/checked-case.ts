import { type AttentionProblem, type Tensor, resolveRequest } from '@heed/core';
import type { CaseRequest } from '../case-request.ts';
import type { AgreementCase, ExpectedValues } from '../case.ts';
import { expectedShapes } from './expected-shapes.ts';
import { errorAt, within } from './place.ts';
import { clauseOfProblem } from './clause-of-problem.ts';

/**
 * The most products of a case, B · Hq · Lq · Lk · (D + Dv): 8 heads of 2048 queries and keys of size 64. The reference
 * computes them one after another.
 */
export const MAX_PRODUCTS: number = 2 ** 32;

/** A case as a file has it, not yet checked. */
export interface UncheckedCase {
  readonly id: string;
  /** Default: a clause that the problem uses. */
  readonly clause?: string | undefined;
  /** Default: that the expected values come out. */
  readonly purpose?: string | undefined;
  readonly request: CaseRequest;
  readonly dOutput?: Tensor | undefined;
  readonly expected: ExpectedValues;
}

/** Names the place of an input or of an expected value in its file. */
export type Places = (name: string) => string;

/**
 * A case whose request is sound and whose expected values fit it.
 *
 * @throws HeedError as `resolveRequest` does, and `SHAPE`, `DTYPE`, `ARGUMENT`, `MISSING_INPUT` or `UNEXPECTED_INPUT`.
 */
export function checkedCase(unchecked: UncheckedCase, place: string, places: Places): AgreementCase {
  const { id, clause, purpose, request, dOutput, expected } = unchecked;
  const problem = checkedProblem(request, place);
  checkExpected(problem, request, expected, places);
  checkOutputGradient(problem, request, dOutput, places('dOutput'));
  return {
    kind: 'agreement',
    id,
    clause: clause ?? clauseOfProblem(problem),
    purpose: purpose ?? purposeOf(expected.source),
    request: () => structuredClone(request),
    ...(dOutput && { dOutput: () => structuredClone(dOutput) }),
    expected,
  };
}

/** Default purpose of a case from outside. */
export function purposeOf(source: string): string {
  return `The expected values come out (${source || 'of unknown source'}).`;
}

/** The problem of a request, if it is one that the reference can compute in reasonable time. */
export function checkedProblem(request: CaseRequest, place: string): AttentionProblem {
  if (request.mask?.dtype === 'int32') {
    throw errorAt(
      'DTYPE',
      place,
      'mask is int32; expected bool (true may attend) or floats (added to the scores)',
    );
  }
  const { problem } = within(place, () => resolveRequest(request));
  const { batch, heads, queryLength, keyLength, headDim, valueDim } = problem;
  const products = batch * heads * queryLength * keyLength * (headDim + valueDim);
  if (products > MAX_PRODUCTS) {
    throw errorAt(
      'SHAPE',
      place,
      `takes ${products.toExponential(1)} products; expected at most ${MAX_PRODUCTS}`,
    );
  }
  return problem;
}

/** Checks that the problem has a result for each expected value, of its shape. */
export function checkExpected(
  problem: AttentionProblem,
  request: CaseRequest,
  { values }: ExpectedValues,
  places: Places,
): void {
  const shapes = expectedShapes(problem, request);
  for (const [name, value] of Object.entries(values)) {
    const shape = shapes[name];
    if (shape === undefined)
      throw errorAt('ARGUMENT', places(name), 'is expected, the problem has no such result');
    checkLike(value, name === 'choice' ? 'int32' : 'float', shape, places(name));
  }
  const other = 'rowMax' in values ? 'rowSum' : 'rowMax';
  if ('rowMax' in values !== 'rowSum' in values) {
    throw errorAt('ARGUMENT', places(other), 'is missing: rowMax and rowSum mean something only together');
  }
}

function checkOutputGradient(
  problem: AttentionProblem,
  request: CaseRequest,
  dOutput: Tensor | undefined,
  place: string,
): void {
  if (problem.gradient && !dOutput)
    throw errorAt('MISSING_INPUT', place, 'is missing, gradients are expected');
  if (!dOutput) return;
  if (!problem.gradient) throw errorAt('UNEXPECTED_INPUT', place, 'requires expected gradients');
  checkLike(dOutput, problem.dtype, expectedShapes(problem, request)['output']!, place);
}

function checkLike(value: Tensor, dtype: string, shape: readonly number[], place: string): void {
  if (!value.dtype.includes(dtype))
    throw errorAt('DTYPE', `${place}.dtype`, `is ${value.dtype}; expected ${dtype}`);
  if (value.shape.join() !== shape.join()) {
    throw errorAt(
      'SHAPE',
      `${place}.shape`,
      `is [${value.shape.join(', ')}]; expected [${shape.join(', ')}]`,
    );
  }
}

import { type AttentionRequest, type Tensor, problemOf } from '@heed/core';
import { referenceForward } from '@heed/core/reference';
import type { Workload, WorkloadRequest } from './workload.ts';

/** Up to this many queries every row is checked; beyond, a sample. */
const CHECKED_IN_FULL = 1024;
const SAMPLED_ROWS = 24;

/**
 * The largest error of a right result, relative to the largest value of the reference: some hundred times what float32
 * costs, far less than one forgotten tile of keys. How exact a backend is, is the conformance suite's question.
 */
const TOLERANCE = 1e-4;

/** What a result must be, at some rows of every head. */
export interface Expectation {
  readonly rows: readonly number[];
  /** `[B, Hq, Dv]` in float64 for each of `rows`. */
  readonly values: readonly Tensor[];
}

/** Computes the expected rows with the float64 reference. */
export function expectationOf(workload: Workload, request: WorkloadRequest): Expectation {
  const rows = checkedRows(workload.queryLength);
  const values = rows.map((i) => {
    const { problem, inputs } = problemOf(rowRequest(workload, request, i));
    return referenceForward(problem, inputs as never).output;
  });
  return { rows, values };
}

/** All rows; of a long workload the first, the last, and others between, at a distance that no tile size divides. */
export function checkedRows(queryLength: number): number[] {
  if (queryLength <= CHECKED_IN_FULL) return Array.from({ length: queryLength }, (_, i) => i);
  return Array.from({ length: SAMPLED_ROWS }, (_, n) => Math.floor((n * (queryLength - 1)) / (SAMPLED_ROWS - 1)));
}

/** The request of one query row of every head: the row stands where it stood. */
function rowRequest(workload: Workload, request: WorkloadRequest, i: number): AttentionRequest {
  const { batch, heads, queryLength, keyLength, headDim, alignment } = workload;
  const data = new Float32Array(batch * heads * headDim);
  for (let bh = 0; bh < batch * heads; bh++) {
    const at = (bh * queryLength + i) * headDim;
    data.set(request.query.data.subarray(at, at + headDim), bh * headDim);
  }
  const offset = i + (alignment === 'bottomRight' ? keyLength - queryLength : 0);
  return {
    ...request,
    query: { dtype: 'float32', shape: [batch, heads, 1, headDim], data },
    ...(request.alignment && { alignment: { offset } }),
  };
}

/** What is wrong with a result, in words; null when nothing is. */
export function faultOf(workload: Workload, expectation: Expectation, output: Tensor): string | null {
  const { batch, heads, queryLength, valueDim } = workload;
  const shape = [batch, heads, queryLength, valueDim];
  if (output.shape.join() !== shape.join()) {
    return `the output is [${output.shape.join(', ')}], expected [B, Hq, Lq, Dv] = [${shape.join(', ')}]`;
  }
  let error = 0;
  let largest = 0;
  expectation.rows.forEach((i, n) => {
    const expected = expectation.values[n]!.data;
    for (let at = 0; at < expected.length; at++) {
      const bh = Math.floor(at / valueDim);
      const actual = output.data[(bh * queryLength + i) * valueDim + (at % valueDim)]!;
      const difference = Math.abs(actual - expected[at]!);
      // Written so that NaN is the largest error.
      if (!(difference <= error)) error = Number.isNaN(difference) ? Infinity : difference;
      largest = Math.max(largest, Math.abs(expected[at]!));
    }
  });
  if (error <= TOLERANCE * largest) return null;
  return `differs from the float64 reference by ${error.toExponential(1)}, largest value ${largest.toExponential(1)}`;
}

import { type AttentionRequest, type Tensor, problemOf } from '@heed/core';
import { referenceForward } from '@heed/core/reference';
import { type Workload, type WorkloadRequest, requestOf } from './workload.ts';

/** Up to this many queries every row is checked; beyond, a sample. */
const CHECKED_IN_FULL = 1024;
const SAMPLED_ROWS = 24;

/**
 * The largest error of a right result, relative to the largest value of the reference: some hundred times what float32
 * costs, far less than one forgotten tile of keys. How exact a backend is, is the conformance suite's question.
 */
const TOLERANCE = 1e-4;

/** A workload with its inputs and, once asked for, what must come out. */
export interface Exercise {
  readonly workload: Workload;
  readonly request: WorkloadRequest;
  /** The rows that are checked. Computed by the float64 reference at the first call. */
  expected(): readonly ExpectedRow[];
}

/** What row i of every head must be. */
export interface ExpectedRow {
  readonly i: number;
  /** `[B, Hq, 1, Dv]` in float64. */
  readonly output: Tensor;
}

export function exerciseOf(workload: Workload): Exercise {
  const request = requestOf(workload);
  let rows: readonly ExpectedRow[] | null = null;
  return { workload, request, expected: () => (rows ??= expectedRows(workload, request)) };
}

function expectedRows(workload: Workload, request: WorkloadRequest): ExpectedRow[] {
  return checkedRows(workload.queryLength).map((i) => {
    const { problem, inputs } = problemOf(rowRequest(workload, request, i));
    return { i, output: referenceForward(problem, inputs as never).output };
  });
}

/** All rows; of a long workload the first, the last, and others at equal distances between. */
export function checkedRows(queryLength: number): number[] {
  if (queryLength <= CHECKED_IN_FULL) return Array.from({ length: queryLength }, (_, i) => i);
  return Array.from({ length: SAMPLED_ROWS }, (_, n) =>
    Math.floor((n * (queryLength - 1)) / (SAMPLED_ROWS - 1)),
  );
}

/** The request of one query row of every head. It stands among the keys where it stood. */
function rowRequest(workload: Workload, request: WorkloadRequest, i: number): AttentionRequest {
  const { batch, heads, queryLength, keyLength, headDim, alignment } = workload;
  const data = new Float32Array(batch * heads * headDim);
  for (let head = 0; head < batch * heads; head++) {
    const at = (head * queryLength + i) * headDim;
    data.set(request.query.data.subarray(at, at + headDim), head * headDim);
  }
  const offset = i + (alignment === 'bottomRight' ? keyLength - queryLength : 0);
  return {
    ...request,
    query: { dtype: 'float32', shape: [batch, heads, 1, headDim], data },
    ...(request.alignment && { alignment: { offset } }),
  };
}

/** What is wrong with a result, in words; null when nothing is. */
export function faultOf({ workload, expected }: Exercise, output: Tensor): string | null {
  const { batch, heads, queryLength, valueDim } = workload;
  const shape = [batch, heads, queryLength, valueDim];
  if (output.shape.join() !== shape.join()) {
    return `the output is [${output.shape.join(', ')}], expected [B, Hq, Lq, Dv] = [${shape.join(', ')}]`;
  }
  let error = 0;
  let largest = 0;
  for (const row of expected()) {
    row.output.data.forEach((right: number, at: number) => {
      const head = Math.floor(at / valueDim);
      const difference = Math.abs(
        output.data[(head * queryLength + row.i) * valueDim + (at % valueDim)]! - right,
      );
      error = Math.max(error, Number.isNaN(difference) ? Infinity : difference);
      largest = Math.max(largest, Math.abs(right));
    });
  }
  if (error <= TOLERANCE * largest) return null;
  return `differs from the float64 reference by ${error.toExponential(1)}, largest value ${largest.toExponential(1)}`;
}

import { type AttentionRequest, type Tensor, resolveRequest, tensor } from '@heed/core';
import { referenceForward, referenceGradient } from '@heed/core/reference';
import type { WorkloadResults } from '../contestant.ts';
import { type WorkloadRequest, outputGradientOf, requestOf } from './request.ts';
import type { Workload } from './workload.ts';

/** Up to this many queries, every row is checked; with more, a sample. Gradients are always checked in full. */
const CHECKED_IN_FULL = 1024;
const SAMPLED_ROWS = 24;

/**
 * Largest error of a correct result, relative to the largest value of the reference: some hundred times that of
 * float32, far less than that of one forgotten tile of keys. The conformance suite tests how exact a backend is.
 */
const TOLERANCE = 1e-4;

/** A workload with its expected results. */
export interface Exercise {
  readonly workload: Workload;
  /** Returns the rows to check, and the gradients. The float64 reference computes them at the first call. */
  expected(): Promise<Expected>;
}

interface Expected {
  readonly rows: readonly ExpectedRow[];
  readonly gradients: Readonly<Partial<Record<keyof WorkloadResults, Tensor>>>;
}

/** Expected row i of every head. */
interface ExpectedRow {
  readonly i: number;
  /** `[B, Hq, 1, Dv]` in float64. */
  readonly output: Tensor;
}

export function exerciseOf(workload: Workload): Exercise {
  let expected: Promise<Expected> | null = null;
  return { workload, expected: () => (expected ??= compute(workload)) };
}

async function compute(workload: Workload): Promise<Expected> {
  const request = await requestOf(workload);
  const rows = checkedRows(workload.queryLength).map((i) => {
    const { problem, inputs } = resolveRequest(rowRequest(workload, request, i));
    return { i, output: referenceForward(problem, inputs as never).output };
  });
  if (!workload.gradient) return { rows, gradients: {} };
  const { problem, inputs } = resolveRequest({ ...request, gradient: true });
  const { dQuery, dKey, dValue } = referenceGradient(problem, inputs as never, outputGradientOf(workload));
  return { rows, gradients: { dQuery, dKey, dValue } };
}

/** All rows; of a long workload the first, the last, and others at equal distances between. */
export function checkedRows(queryLength: number): number[] {
  if (queryLength <= CHECKED_IN_FULL) return Array.from({ length: queryLength }, (_, i) => i);
  return Array.from({ length: SAMPLED_ROWS }, (_, n) =>
    Math.floor((n * (queryLength - 1)) / (SAMPLED_ROWS - 1)),
  );
}

/** The request of one query row of every head. The row keeps its position among the keys. */
function rowRequest(workload: Workload, request: WorkloadRequest, i: number): AttentionRequest {
  const { batch, heads, queryLength, keyLength, headDim, alignment } = workload;
  const data = new Float32Array(batch * heads * headDim);
  for (let head = 0; head < batch * heads; head++) {
    const at = (head * queryLength + i) * headDim;
    data.set(request.query.data.subarray(at, at + headDim), head * headDim);
  }
  const offset = i + (alignment === 'bottomRight' ? keyLength - queryLength : 0);
  const { mask } = request;
  return {
    ...request,
    query: tensor(data, [batch, heads, 1, headDim]),
    ...(request.alignment && { alignment: { offset } }),
    ...(mask && { mask: tensor(mask.data.slice(i * keyLength, (i + 1) * keyLength), [1, keyLength]) }),
  };
}

/** Describes what is wrong with results; null if nothing is. */
export async function faultOf(exercise: Exercise, results: WorkloadResults): Promise<string | null> {
  const { batch, heads, queryLength, valueDim } = exercise.workload;
  const shape = [batch, heads, queryLength, valueDim];
  const { output } = results;
  if (output.shape.join() !== shape.join()) {
    return `the output is [${output.shape.join(', ')}]; expected [B, Hq, Lq, Dv] = [${shape.join(', ')}]`;
  }
  const { rows, gradients } = await exercise.expected();
  const outputFault = faultOfNumbers('the output', function* pairs() {
    for (const { i, output: right } of rows) {
      for (let at = 0; at < right.data.length; at++) {
        const head = Math.floor(at / valueDim);
        yield [right.data[at]!, output.data[(head * queryLength + i) * valueDim + (at % valueDim)]!];
      }
    }
  });
  return outputFault ?? faultOfGradients(gradients, results);
}

function faultOfGradients(gradients: Expected['gradients'], results: WorkloadResults): string | null {
  for (const [name, right] of Object.entries(gradients)) {
    const actual = results[name as keyof WorkloadResults];
    if (actual?.shape.join() !== right.shape.join()) {
      return `${name} is ${actual ? `[${actual.shape.join(', ')}]` : 'missing'}; expected [${right.shape.join(', ')}]`;
    }
    const fault = faultOfNumbers(name, function* pairs() {
      for (let at = 0; at < right.data.length; at++) yield [right.data[at]!, actual.data[at]!];
    });
    if (fault !== null) return fault;
  }
  return null;
}

function faultOfNumbers(
  name: string,
  pairs: () => Iterable<readonly [right: number, actual: number]>,
): string | null {
  let error = 0;
  let largest = 0;
  for (const [right, actual] of pairs()) {
    const difference = Math.abs(actual - right);
    error = Math.max(error, Number.isNaN(difference) ? Infinity : difference);
    largest = Math.max(largest, Math.abs(right));
  }
  if (error <= TOLERANCE * largest) return null;
  return `${name} differs from the float64 reference by ${error.toExponential(1)}, largest value ${largest.toExponential(1)}`;
}

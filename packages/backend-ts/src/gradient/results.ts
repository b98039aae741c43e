import {
  type AttentionGradients,
  type AttentionInputs,
  type AttentionProblem,
  type Tensor,
  cast,
} from '@heed/core';
import {
  type RowStrides,
  broadcastStrides,
  computeDType,
  gradientDType,
  rowStrides,
  zeros,
} from '@heed/core/backend';
import type { Heap } from '../memory/heap.ts';
import type { FloatArray } from '../memory/pack.ts';
import type { RowPlace } from '../forward/score-steps.ts';

/** The gradients, and the float64 sums that round to them once. */
export class GradientResults {
  /** [keyLength, headDim] of the open key head. */
  readonly keySums: Float64Array;
  /** [keyLength, valueDim] of the open key head. */
  readonly valueSums: Float64Array;
  readonly sinkSums: Float64Array | null;
  private readonly problem: AttentionProblem;
  private readonly dQuery: Tensor;
  private readonly dKey: Tensor;
  private readonly dValue: Tensor;
  private readonly dBias: Tensor | null;
  /** The gradient of the bias itself, if each of its entries is written only once. */
  private readonly biasSums: FloatArray | null;
  private readonly biasStrides: readonly [number, number, number, number];
  private readonly queryStrides: RowStrides;

  constructor(problem: AttentionProblem, inputs: AttentionInputs<Tensor>) {
    const { layout, heads, queryLength, keyLength, headDim, valueDim } = problem;
    const dtype = computeDType(problem.dtype);
    this.problem = problem;
    this.dQuery = zeros(dtype, inputs.query.shape);
    this.dKey = zeros(dtype, inputs.key.shape);
    this.dValue = zeros(dtype, inputs.value.shape);
    this.dBias = problem.bias && zeros(dtype, inputs.bias!.shape);
    this.keySums = new Float64Array(keyLength * headDim);
    this.valueSums = new Float64Array(keyLength * valueDim);
    this.sinkSums = problem.sinks ? new Float64Array(heads) : null;
    this.biasSums =
      this.dBias &&
      ((biasIsFull(problem) ? this.dBias.data : new Float64Array(this.dBias.data.length)) as FloatArray);
    this.biasStrides = broadcastStrides(problem.bias?.shape ?? [1, 1, 1, 1]);
    this.queryStrides = rowStrides(layout, heads, queryLength, headDim);
  }

  openKeyHead(): void {
    this.keySums.fill(0);
    this.valueSums.fill(0);
  }

  /** Rounds the sums of the open key head. */
  closeKeyHead(batch: number, kvHead: number): void {
    const { layout, kvHeads, keyLength, headDim, valueDim } = this.problem;
    const close = (result: Tensor, sums: Float64Array, depth: number): void => {
      const strides = rowStrides(layout, kvHeads, keyLength, depth);
      const start = batch * strides.batch + kvHead * strides.head;
      for (let j = 0; j < keyLength; j++) {
        for (let d = 0; d < depth; d++) result.data[start + j * strides.row + d] = sums[j * depth + d];
      }
    };
    close(this.dKey, this.keySums, headDim);
    close(this.dValue, this.valueSums, valueDim);
  }

  /** Writes a row of dQuery: `scale` times the row at `at`. */
  writeQuery(row: RowPlace, heap: Heap, at: number, scale: number): void {
    const { batch, head, row: stride } = this.queryStrides;
    const start = row.batch * batch + row.head * head + row.index * stride;
    for (let d = 0; d < this.problem.headDim; d++) this.dQuery.data[start + d] = scale * heap[at + d];
  }

  /** Adds the gradients of a row's scores with keys from … to − 1; that of key `from` is at `at`. */
  addBias(row: RowPlace, heap: Heap, at: number, from: number, to: number): void {
    if (this.biasSums === null) return;
    const [b, h, i, step] = this.biasStrides;
    const start = row.batch * b + row.head * h + row.index * i;
    for (let j = from; j < to; j++) this.biasSums[start + j * step] += heap[at + j - from];
  }

  all(): AttentionGradients {
    const { dQuery, dKey, dValue, dBias, biasSums, sinkSums, problem } = this;
    if (dBias !== null && biasSums !== dBias.data) dBias.data.set(biasSums!);
    const { dtype } = problem;
    return {
      dQuery: cast(dQuery, dtype),
      dKey: cast(dKey, gradientDType(problem, 'dKey')),
      dValue: cast(dValue, gradientDType(problem, 'dValue')),
      ...(dBias && { dBias: cast(dBias, dtype) }),
      ...(sinkSums && { dSinks: rounded(problem, sinkSums) }),
    };
  }
}

/** Adds rows of the heap to rows of sums, from row `first` on. */
export function addRows(
  sums: Float64Array,
  first: number,
  depth: number,
  heap: Heap,
  at: number,
  stride: number,
  count: number,
): void {
  for (let n = 0; n < count; n++) {
    const s = (first + n) * depth;
    const p = at + n * stride;
    for (let d = 0; d < depth; d++) sums[s + d] += heap[p + d];
  }
}

function biasIsFull({ bias, batch, heads, queryLength, keyLength }: AttentionProblem): boolean {
  return bias!.shape.join() === [batch, heads, queryLength, keyLength].join();
}

function rounded({ dtype }: AttentionProblem, sums: Float64Array): Tensor {
  return cast({ dtype: 'float64', shape: [sums.length], data: sums }, computeDType(dtype));
}

import type { AttentionInputs, AttentionProblem, GradientInputs, Tensor } from '@heed/core';
import { type RowStrides, rowStrides } from '@heed/core/backend';
import type { Heap } from '../memory/heap.ts';
import type { GradientLayout } from '../plan/layout.ts';
import { type FloatArray, packRows, rowsFrom, tableOf } from '../memory/pack.ts';
import type { QueryRow } from '../forward/score-tiles.ts';

/** Bound up to which float32 rounds by at most 64. */
const ROUNDED_MAX = 2 ** 31;

/** Properties of each row of a block that the gradient needs besides the query. */
export class GradientRows {
  readonly rowMax: Float64Array;
  /** Σ exp(score − rowMax), recomputed; the forward statistics determine whether the row is empty. */
  readonly sum: Float64Array;
  /** Σ exp(score − rowMax) · dP, summed up tile by tile. */
  readonly weighted: Float64Array;
  /** 1 if the row attends to nothing and has no sink. */
  private readonly isEmpty: Uint8Array;
  /** 1 if NaN or infinity reaches all gradients of the row's scores; also for an empty row. */
  readonly isNonFinite: Uint8Array;
  /** For a part of all keys, the mean of each row over all of them. */
  private readonly ofWhole: Float64Array | null;
  private readonly problem: AttentionProblem;
  private readonly forward: GradientInputs<Tensor>;
  private readonly sinks: FloatArray | null;
  private readonly heap: Heap;
  private readonly layout: GradientLayout;
  private readonly strides: RowStrides;

  constructor(
    problem: AttentionProblem,
    inputs: AttentionInputs<Tensor>,
    forward: GradientInputs<Tensor>,
    heap: Heap,
    layout: GradientLayout,
  ) {
    this.problem = problem;
    this.forward = forward;
    this.sinks = problem.sinks ? (inputs.sinks!.data as FloatArray) : null;
    this.heap = heap;
    this.layout = layout;
    this.strides = rowStrides(problem.layout, problem.heads, problem.queryLength, problem.valueDim);
    this.rowMax = new Float64Array(layout.rows);
    this.sum = new Float64Array(layout.rows);
    this.weighted = new Float64Array(layout.rows);
    this.ofWhole = forward.isPart ? new Float64Array(layout.rows) : null;
    this.isEmpty = new Uint8Array(layout.rows);
    this.isNonFinite = new Uint8Array(layout.rows);
  }

  begin(r: number, row: QueryRow): void {
    const { heads, queryLength, valueDim } = this.problem;
    const { output, dOutput, statistics } = this.forward;
    const at = (row.batch * heads + row.head) * queryLength + row.index;
    const start =
      row.batch * this.strides.batch + row.head * this.strides.head + row.index * this.strides.row;
    const rowMax = statistics.rowMax.data[at];
    const rowSum = statistics.rowSum.data[at];
    this.rowMax[r] = rowMax;
    this.sum[r] = this.sinkTerm(r, row);
    this.weighted[r] = 0;
    this.isEmpty[r] = rowSum === 0 ? 1 : 0;
    // The forward pass made the statistics NaN for attended scores, and the output NaN for values.
    let trace = rowMax - rowMax + (rowSum - rowSum);
    const [toOutput, ofOutput] = [
      numbersFrom(dOutput, start, valueDim),
      numbersFrom(output, start, valueDim),
    ];
    for (let d = 0; d < valueDim; d++) trace += toOutput[d] * ofOutput[d];
    if (this.ofWhole !== null) this.ofWhole[r] = trace;
    this.isNonFinite[r] = Number.isFinite(trace) ? 0 : 1;

    const source = rowsFrom(dOutput, start, 0, valueDim);
    packRows(this.heap, this.layout.dOutput + r * this.layout.valueStride, 0, source, 1);
  }

  /** The mean of the gradients of the row's weights: rowsum(P ∘ dP), or rowsum(dO ∘ O) if O is that of more keys. */
  mean(r: number): number {
    return this.ofWhole === null ? this.weighted[r] / this.sum[r] : this.ofWhole[r];
  }

  /** Returns whether rounding may have moved rowMax by more than a sum of exponentials allows. */
  isMaxRounded(r: number): boolean {
    return this.problem.dtype !== 'float64' && Math.abs(this.rowMax[r]) >= ROUNDED_MAX;
  }

  /** Contribution of the row to the gradient of its head's sink. */
  sinkGradient(r: number, row: QueryRow): number {
    return this.isEmpty[r] ? 0 : (this.sinkTerm(r, row) / this.sum[r]) * -this.mean(r);
  }

  private sinkTerm(r: number, row: QueryRow): number {
    return this.sinks === null ? 0 : Math.exp(this.sinks[row.head] - this.rowMax[r]);
  }
}

/** Elements of a tensor; those of a 16-bit type as numbers. */
function numbersFrom({ dtype, data }: Tensor, start: number, count: number): ArrayLike<number> {
  const part = data.subarray(start, start + count);
  const table = tableOf(dtype);
  return table === null ? part : Float32Array.from(part, (bits) => table[bits]);
}

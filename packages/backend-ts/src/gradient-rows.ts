import type { AttentionInputs, AttentionProblem, GradientInputs, Tensor } from '@heed/core';
import { type RowStrides, rowStrides } from '@heed/core/backend';
import type { Heap } from './heap.ts';
import type { BackwardLayout } from './layout.ts';
import { type FloatArray, packRows } from './pack.ts';
import type { QueryRow } from './score-tiles.ts';

/** What the gradient needs to know of each row of a block besides its query. */
export class GradientRows {
  readonly rowMax: Float64Array;
  readonly rowSum: Float64Array;
  /** Σ dOutput · output: the mean of the gradients of the row's weights. */
  readonly mean: Float64Array;
  /** Whether the row was seen to attend to anything. */
  readonly attends: Uint8Array;
  /** Where dOutput is NaN or infinite, for the rows where it is anywhere. */
  readonly nonFinite: Map<number, number[]> = new Map();
  private readonly problem: AttentionProblem;
  private readonly forward: GradientInputs<Tensor>;
  private readonly sinks: FloatArray | null;
  private readonly heap: Heap;
  private readonly layout: BackwardLayout;
  private readonly strides: RowStrides;

  constructor(
    problem: AttentionProblem,
    inputs: AttentionInputs<Tensor>,
    forward: GradientInputs<Tensor>,
    heap: Heap,
    layout: BackwardLayout,
  ) {
    this.problem = problem;
    this.forward = forward;
    this.sinks = problem.sinks ? (inputs.sinks!.data as FloatArray) : null;
    this.heap = heap;
    this.layout = layout;
    this.strides = rowStrides(problem.layout, problem.heads, problem.queryLength, problem.valueDim);
    this.rowMax = new Float64Array(layout.rows);
    this.rowSum = new Float64Array(layout.rows);
    this.mean = new Float64Array(layout.rows);
    this.attends = new Uint8Array(layout.rows);
  }

  begin(r: number, row: QueryRow): void {
    const { heads, queryLength, valueDim } = this.problem;
    const { output, dOutput, statistics } = this.forward;
    const at = (row.batch * heads + row.head) * queryLength + row.index;
    const start = row.batch * this.strides.batch + row.head * this.strides.head + row.index * this.strides.row;
    this.rowMax[r] = statistics.rowMax.data[at];
    this.rowSum[r] = statistics.rowSum.data[at];
    this.attends[r] = 0;
    let mean = 0;
    for (let d = start; d < start + valueDim; d++) mean += dOutput.data[d] * output.data[d];
    this.mean[r] = mean;

    const source = { data: dOutput.data as FloatArray, start, stride: 0, depth: valueDim };
    const finite = packRows(this.heap, this.layout.dOutput + r * this.layout.valueStride, 0, source, 1);
    this.nonFinite.delete(r);
    if (finite) return;
    const places = Array.from({ length: valueDim }, (_, d) => d);
    this.nonFinite.set(r, places.filter((d) => !Number.isFinite(dOutput.data[start + d])));
  }

  /** Whether something not finite reaches all gradients of the row's scores. */
  isNonFinite(r: number): boolean {
    return !Number.isFinite(this.mean[r]) || !Number.isFinite(this.rowMax[r]) || !Number.isFinite(this.rowSum[r]);
  }

  /** What the row adds to the gradient of its head's sink. */
  sinkGradient(r: number, row: QueryRow): number {
    if (this.rowSum[r] === 0) return 0;
    const weight = Math.exp(this.sinks![row.head] - this.rowMax[r]) / this.rowSum[r];
    return weight * (this.attends[r] ? -this.mean[r] : 0);
  }
}

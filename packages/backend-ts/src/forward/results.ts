import { type AttentionProblem, type AttentionResults, type Tensor, cast } from '@heed/core';
import { type RowStrides, computeDType, rowStrides, zeros } from '@heed/core/backend';
import type { FloatArray } from '../memory/pack.ts';
import type { RowPlace } from './score-steps.ts';

/** Tensors that a run returns, in the type of scores until {@link all}, and the places of rows. Null: not requested. */
export class ForwardResults {
  readonly output: FloatArray | null;
  readonly weights: FloatArray | null;
  readonly logSumExp: FloatArray | null;
  readonly rowMax: FloatArray | null;
  readonly rowSum: FloatArray | null;
  readonly choice: Int32Array | null;
  private readonly problem: AttentionProblem;
  private readonly outputStrides: RowStrides;
  private readonly results: Record<string, unknown> = {};

  constructor(problem: AttentionProblem) {
    const { batch, heads, queryLength, keyLength, valueDim, layout, dtype, outputs } = problem;
    const perRow = [batch, heads, queryLength];
    const outputShape = layout === 'bhld' ? [...perRow, valueDim] : [batch, queryLength, heads, valueDim];
    const float = (shape: number[]): Tensor => zeros(computeDType(dtype), shape);
    this.problem = problem;
    this.outputStrides = rowStrides(layout, heads, queryLength, valueDim);
    this.output = this.keep('output', outputs.includes('output') ? float(outputShape) : null);
    this.weights = this.keep('weights', outputs.includes('weights') ? float([...perRow, keyLength]) : null);
    this.logSumExp = this.keep('logSumExp', outputs.includes('logSumExp') ? float(perRow) : null);
    this.choice = outputs.includes('choice') ? new Int32Array(batch * heads * queryLength) : null;
    if (this.choice) this.results['choice'] = { dtype: 'int32', shape: perRow, data: this.choice };
    const statistics = outputs.includes('statistics')
      ? { rowMax: float(perRow), rowSum: float(perRow) }
      : null;
    this.rowMax = (statistics?.rowMax.data as FloatArray | undefined) ?? null;
    this.rowSum = (statistics?.rowSum.data as FloatArray | undefined) ?? null;
    if (statistics) this.results['statistics'] = statistics;
  }

  /** Returns whether anything needs the softmax; hard attention often does not. */
  get needSoftmax(): boolean {
    return this.problem.selection === 'softmax' || this.logSumExp !== null || this.rowMax !== null;
  }

  /** Index of a row in `[B, Hq, Lq]`. */
  rowIndex({ batch, head, index }: RowPlace): number {
    return (batch * this.problem.heads + head) * this.problem.queryLength + index;
  }

  /** Start of a row of the output. */
  outputStart({ batch, head, index }: RowPlace): number {
    const { outputStrides } = this;
    return batch * outputStrides.batch + head * outputStrides.head + index * outputStrides.row;
  }

  /** Start of a row of the weights. */
  weightsStart(row: RowPlace): number {
    return this.rowIndex(row) * this.problem.keyLength;
  }

  all(): AttentionResults {
    const { output, weights, ...others } = this.results as AttentionResults;
    const { dtype } = this.problem;
    return {
      ...(output && { output: cast(output, dtype) }),
      ...(weights && { weights: cast(weights, dtype) }),
      ...others,
    };
  }

  private keep(name: string, tensor: Tensor | null): FloatArray | null {
    if (tensor === null) return null;
    this.results[name] = tensor;
    return tensor.data as FloatArray;
  }
}

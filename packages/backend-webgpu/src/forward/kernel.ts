import type { AttentionInputs, AttentionProblem, AttentionResults, DType, RunOptions } from '@heed/core';
import type { GpuTensor } from '../memory/gpu-tensor.ts';
import { bytesOf } from '../memory/gpu-tensor.ts';
import { type ForwardPlan, forwardPlan } from '../plan/forward-plan.ts';
import { BASE_STRIDE, MAXIMUM_VECTORS } from '../plan/geometry.ts';
import { spansOf } from '../plan/spans.ts';
import { problemParams } from '../plan/strides.ts';
import { batchWords, longestOf, seedParams, tableCopies, tableOf } from '../plan/table.ts';
import type { ProblemType } from '../plan/stored.ts';
import type { Engine } from '../platform/engine.ts';
import type { Pipeline } from '../platform/pipelines.ts';
import { Run } from '../platform/run.ts';
import type { Params } from '../shader/params.ts';
import { passesOf } from '../shader/tile.ts';
import { attendShader } from './attend/attend.ts';
import { ROW_PLANES, ROW_PLANE_COUNT, recordVectors } from './finish.ts';
import { mergeShader } from './merge.ts';
import { takeShader } from './take.ts';
import { weightsShader } from './weights.ts';

/** Keys of one workgroup that writes weights. */
const WEIGHT_KEYS = 1024;

interface Pipelines {
  readonly attend: Pipeline;
  readonly merge: Pipeline | null;
  readonly weights: Pipeline | null;
  readonly take: Pipeline | null;
}

/** A forward pass whose shaders are compiled. */
export class ForwardKernel {
  readonly plan: ForwardPlan;
  readonly #engine: Engine;
  readonly #problem: AttentionProblem;
  readonly #pipelines: Pipelines;

  private constructor(engine: Engine, problem: AttentionProblem, plan: ForwardPlan, pipelines: Pipelines) {
    this.#engine = engine;
    this.#problem = problem;
    this.plan = plan;
    this.#pipelines = pipelines;
  }

  static async compile(
    engine: Engine,
    problem: AttentionProblem,
    outputType: ProblemType = problem.dtype as ProblemType,
  ): Promise<ForwardKernel> {
    const plan = forwardPlan(problem, engine, outputType);
    const { variant, geometry, sumsValues, splits } = plan;
    const isPacked = plan.packed > 1;
    const hard = problem.selection !== 'softmax';
    const wants = {
      output: problem.outputs.includes('output'),
      weights: problem.outputs.includes('weights'),
    };
    const { pipelines } = engine;
    const [attend, merge, weights, take] = await Promise.all([
      pipelines.get(attendShader({ variant, geometry, sumsValues, splits, isPacked })),
      splits ? pipelines.get(mergeShader(variant, sumsValues)) : null,
      wants.weights && !hard ? pipelines.get(weightsShader(variant, geometry, isPacked)) : null,
      hard && (wants.output || wants.weights) ? pipelines.get(takeShader(variant, wants)) : null,
    ]);
    return new ForwardKernel(engine, problem, plan, { attend, merge, weights, take });
  }

  /** Number of bytes besides inputs and results. */
  get scratchBytes(): number {
    const { batch, heads, queryLength, keyLength } = this.#problem;
    const { splitKeys } = this.plan;
    const longest = keyLength + (this.#problem.ring ? BASE_STRIDE : 0);
    const rows = batch * heads * queryLength;
    const { words } = tableOf(this.#problem, 0);
    return 4 * (words + ROW_PLANE_COUNT * rows) + this.#recordBytes(Math.ceil(longest / splitKeys));
  }

  #recordBytes(splits: number): number {
    const { batch, heads, queryLength, valueDim } = this.#problem;
    if (!this.plan.splits) return 0;
    const { passes, vectors } = this.#passes(valueDim);
    return 16 * batch * heads * queryLength * splits * passes * recordVectors(vectors);
  }

  #passes(valueDim: number): { passes: number; vectors: number } {
    return this.plan.sumsValues ? passesOf(valueDim, MAXIMUM_VECTORS) : { passes: 1, vectors: 0 };
  }

  run(inputs: AttentionInputs<GpuTensor>, { signal }: RunOptions): Promise<AttentionResults<GpuTensor>> {
    return Run.execute(this.#engine, signal, (run) => this.record(run, inputs));
  }

  /**
   * Records a run.
   *
   * @param isLasting false if the results end with the run.
   */
  record(run: Run, inputs: AttentionInputs<GpuTensor>, isLasting = true): AttentionResults<GpuTensor> {
    const problem = this.#problem;
    const { batch, heads, queryLength, keyLength, valueDim, headDim } = problem;
    const { dtype, layout, outputs } = problem;
    const { geometry, packed, blocks, slices, splits, splitKeys } = this.plan;
    const rows = batch * heads * queryLength;
    const perRow = [batch, heads, queryLength];
    const table = tableOf(problem, 0);
    const tableTensor = run.scratch(table.words);
    const { device } = this.#engine;
    device.queue.writeBuffer(tableTensor.buffer, 0, batchWords(problem, inputs));
    for (const [tensor, word] of tableCopies(table, problem, inputs)) {
      run.copy(tensor, 0, tableTensor, 4 * word, bytesOf(tensor));
    }
    const rowResults = run.scratch(ROW_PLANE_COUNT * rows);
    const tensor = (type: DType, shape: readonly number[]): GpuTensor =>
      isLasting ? run.result(type, shape) : run.temporary(type, shape);
    const output = outputs.includes('output')
      ? tensor(
          this.plan.variant.rows.output.type,
          layout === 'bhld' ? [...perRow, valueDim] : [batch, queryLength, heads, valueDim],
        )
      : undefined;
    const weightsOut = outputs.includes('weights') ? tensor(dtype, [...perRow, keyLength]) : undefined;
    const longest = longestOf(problem, inputs);
    const splitCount = splits ? Math.max(1, Math.ceil(longest / splitKeys)) : 1;
    const records = splits ? run.scratch(this.#recordBytes(splitCount) / 4) : undefined;
    const params: Params = {
      ...problemParams(problem),
      ...table.places,
      ...seedParams(problem, inputs),
      packed,
      splitKeys,
      splits: splitCount,
    };
    const tensors = { ...inputs, table: tableTensor, rowResults, records, output, weightsOut };
    const named = tensors as unknown as Readonly<Record<string, GpuTensor | undefined>>;
    const spans = spansOf(problem, packed, this.plan.variant.rows.output.type as ProblemType);
    const { passes } = this.#passes(valueDim);
    const keys = Math.min(keyLength, splitKeys);
    run.dispatch({
      pipeline: this.#pipelines.attend,
      tensors: named,
      params,
      grid: [blocks, slices, splitCount * passes],
      work: geometry.rows * keys * (headDim + valueDim),
      spans,
    });
    const { merge, weights, take } = this.#pipelines;
    const rowGrid = [packed * queryLength, slices] as const;
    if (merge) {
      const work = splitCount * valueDim;
      run.dispatch({ pipeline: merge, tensors: named, params, grid: [...rowGrid, passes], work, spans });
    }
    if (weights) {
      const perSplit = splits ? splitKeys : WEIGHT_KEYS;
      run.dispatch({
        pipeline: weights,
        tensors: named,
        params: { ...params, splitKeys: perSplit },
        grid: [blocks, slices, Math.ceil(longest / perSplit)],
        work: geometry.rows * perSplit * headDim,
        spans,
      });
    }
    if (take) {
      const grid = [...rowGrid, 1] as const;
      run.dispatch({ pipeline: take, tensors: named, params, grid, work: valueDim, spans });
    }
    const plane = (name: keyof typeof ROW_PLANES, type: 'float32' | 'int32'): GpuTensor => {
      const result = tensor(type, perRow);
      run.copy(rowResults, 4 * ROW_PLANES[name] * rows, result, 0, 4 * rows);
      return result;
    };
    return {
      ...(output && { output }),
      ...(weightsOut && { weights: weightsOut }),
      ...(outputs.includes('logSumExp') && { logSumExp: plane('logSumExp', 'float32') }),
      ...(outputs.includes('statistics') && {
        statistics: { rowMax: plane('rowMax', 'float32'), rowSum: plane('rowSum', 'float32') },
      }),
      ...(outputs.includes('choice') && { choice: plane('choice', 'int32') }),
    };
  }
}

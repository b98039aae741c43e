import type {
  AttentionGradients,
  AttentionInputs,
  AttentionProblem,
  GradientInputs,
  RunOptions,
} from '@heed/core';
import { ELEMENT_BYTES } from '@heed/core/backend';
import { ForwardKernel } from '../forward/kernel.ts';
import { type GpuTensor, bytesOf } from '../memory/gpu-tensor.ts';
import { gradientSpansOf, meansSpansOf } from '../plan/spans.ts';
import { type Geometry, MAXIMUM_VECTORS } from '../plan/geometry.ts';
import { problemParams } from '../plan/strides.ts';
import { batchWords, seedParams, tableCopies, tableOf } from '../plan/table.ts';
import { variantOf } from '../plan/variant.ts';
import type { Engine } from '../platform/engine.ts';
import type { Pipeline } from '../platform/pipelines.ts';
import { Run } from '../platform/run.ts';
import { THREADS } from '../shader/module.ts';
import { passesOf } from '../shader/tile.ts';
import { cacheParts } from './cache-parts.ts';
import { gradientGeometry } from './common.ts';
import { dBiasShader } from './d-bias.ts';
import { dKeyValueShader, keyValuePasses } from './d-key-value.ts';
import { dQueryShader } from './d-query.ts';
import { dSinksShader } from './d-sinks.ts';
import { meansShader } from './means.ts';
import { ROW_WORDS } from './rows.ts';

interface Pipelines {
  readonly means: Pipeline;
  readonly dQuery: Pipeline;
  readonly dKeyValue: Pipeline;
  readonly dBias: Pipeline | null;
  readonly dSinks: Pipeline | null;
  /** The output in float32, if that of the forward run was rounded to 16 bits: means of the gradient are sums of it. */
  readonly output: ForwardKernel | null;
}

/** A gradient whose shaders are compiled. */
export class GradientKernel {
  readonly #engine: Engine;
  readonly #problem: AttentionProblem;
  readonly #pipelines: Pipelines;
  /** Rows are those of one head for dQuery and dBias, of all heads of a group for dKey and dValue. */
  readonly #geometry: Geometry;
  readonly #groupGeometry: Geometry;

  private constructor(
    engine: Engine,
    problem: AttentionProblem,
    pipelines: Pipelines,
    geometries: readonly [Geometry, Geometry],
  ) {
    this.#engine = engine;
    this.#problem = problem;
    this.#pipelines = pipelines;
    [this.#geometry, this.#groupGeometry] = geometries;
  }

  static async compile(engine: Engine, problem: AttentionProblem): Promise<GradientKernel> {
    const { heads, kvHeads, queryLength, bias, sinks } = problem;
    const variant = variantOf(problem);
    const isRounded = problem.dtype !== 'float32';
    const geometry = gradientGeometry(queryLength, problem, engine);
    const groupGeometry = gradientGeometry((queryLength * heads) / kvHeads, problem, engine);
    const { pipelines } = engine;
    const [means, dQuery, dKeyValue, dBias, dSinks, output] = await Promise.all([
      pipelines.get(meansShader(variant)),
      pipelines.get(dQueryShader(variant, geometry)),
      pipelines.get(dKeyValueShader(variant, groupGeometry)),
      bias ? pipelines.get(dBiasShader(variant, geometry)) : null,
      sinks ? pipelines.get(dSinksShader()) : null,
      isRounded ? ForwardKernel.compile(engine, { ...problem, outputs: ['output'] }, 'float32') : null,
    ]);
    const compiled = { means, dQuery, dKeyValue, dBias, dSinks, output };
    return new GradientKernel(engine, problem, compiled, [geometry, groupGeometry]);
  }

  /** Bytes besides inputs and results. */
  get scratchBytes(): number {
    const { output } = this.#pipelines;
    const { batch, heads, queryLength, valueDim } = this.#problem;
    const exact = output ? output.scratchBytes + 4 * batch * heads * queryLength * valueDim : 0;
    const parts = cacheParts(this.#problem, this.#engine.largestBinding);
    const gradients = parts.reduce((sum, { bytes }) => sum + bytes, 0);
    return 4 * tableOf(this.#problem, ROW_WORDS).words + gradients + exact;
  }

  run(
    inputs: AttentionInputs<GpuTensor>,
    forward: GradientInputs<GpuTensor>,
    { signal }: RunOptions,
  ): Promise<AttentionGradients<GpuTensor>> {
    return Run.execute(this.#engine, signal, (run) => this.#record(run, inputs, forward));
  }

  #record(
    run: Run,
    inputs: AttentionInputs<GpuTensor>,
    { output: rounded, statistics, dOutput }: GradientInputs<GpuTensor>,
  ): AttentionGradients<GpuTensor> {
    const problem = this.#problem;
    const output = this.#pipelines.output?.record(run, inputs, false).output ?? rounded;
    const { batch, kvBatch, heads, kvHeads, queryLength, keyLength, headDim, valueDim } = problem;
    const { cacheType, bias } = problem;
    const table = tableOf(problem, ROW_WORDS);
    const tableTensor = run.scratch(table.words);
    this.#engine.device.queue.writeBuffer(tableTensor.buffer, 0, batchWords(problem, inputs));
    for (const [tensor, word] of tableCopies(table, problem, inputs)) {
      run.copy(tensor, 0, tableTensor, 4 * word, bytesOf(tensor));
    }
    const like = ({ dtype, shape }: GpuTensor): GpuTensor => run.result(dtype, shape);
    const dQuery = like(inputs.query);
    const dKey = like(inputs.key);
    const dValue = like(inputs.value);
    const dBias = inputs.bias && like(inputs.bias);
    const dSinks = inputs.sinks && like(inputs.sinks);
    const tensors = {
      ...inputs,
      ...statistics,
      ...{ output, dOutput, table: tableTensor, tableOut: tableTensor, dQuery, dBias, dSinks },
    } as unknown as Readonly<Record<string, GpuTensor | undefined>>;
    const params = {
      ...problemParams(problem),
      ...table.places,
      ...seedParams(problem, inputs),
      packed: 1,
    };
    const rows = batch * heads * queryLength;
    const {
      means,
      dQuery: queryPipeline,
      dKeyValue,
      dBias: biasPipeline,
      dSinks: sinksPipeline,
    } = this.#pipelines;
    const { rows: blockRows, keys } = this.#geometry;
    const depth = headDim + valueDim;
    // Rows of a head, if a shader sees some heads at a time; else they do not divide workgroups.
    const meansRows = bytesOf(output!) > this.#engine.largestBinding ? queryLength : rows;
    run.dispatch({
      pipeline: means,
      tensors,
      params: { ...params, rows: meansRows },
      grid: [Math.ceil(meansRows / THREADS), rows / meansRows, 1],
      work: THREADS * valueDim,
      spans: meansSpansOf(problem),
    });
    const blocks = Math.ceil(queryLength / blockRows);
    const tiles = Math.ceil(keyLength / keys);
    run.dispatch({
      pipeline: queryPipeline,
      tensors,
      params,
      grid: [blocks, batch * heads, passesOf(headDim, MAXIMUM_VECTORS).passes],
      work: blockRows * keyLength * (depth + headDim),
      spans: gradientSpansOf(problem, 1),
    });
    const groupRows = (heads / kvHeads) * queryLength;
    for (const part of cacheParts(problem, this.#engine.largestBinding)) {
      const gradients = run.scratch(part.bytes / 4);
      const dValueAt = part.valueByte / ELEMENT_BYTES[cacheType];
      run.dispatch({
        pipeline: dKeyValue,
        tensors: { ...tensors, gradients },
        params: { ...params, packed: heads / kvHeads, dValueAt },
        grid: [tiles, part.slices, keyValuePasses(problem)],
        work: (batch / kvBatch) * Math.max(groupRows, this.#groupGeometry.rows) * keys * 2 * depth,
        ...part.bound,
      });
      run.copy(gradients, part.key.at, dKey, part.key.from, part.key.bytes);
      run.copy(gradients, part.value.at, dValue, part.value.from, part.value.bytes);
    }
    if (biasPipeline && bias) {
      const [b, h, i, j] = bias.shape;
      const broadcast = (rows * keyLength) / Math.max(1, b * h * i * j);
      run.dispatch({
        pipeline: biasPipeline,
        tensors,
        params,
        grid: [i === 1 ? Math.min(1, blocks) : blocks, b * h, j === 1 ? Math.min(1, tiles) : tiles],
        work: Math.max(1, broadcast) * blockRows * keys * depth,
        // A bias for the whole batch adds what comes from all of it.
        ...(b === batch && { spans: gradientSpansOf(problem, heads / h) }),
      });
    }
    if (sinksPipeline) {
      run.dispatch({
        pipeline: sinksPipeline,
        tensors,
        params,
        grid: [heads, 1, 1],
        work: batch * queryLength,
      });
    }
    return { dQuery, dKey, dValue, ...(dBias && { dBias }), ...(dSinks && { dSinks }) };
  }
}

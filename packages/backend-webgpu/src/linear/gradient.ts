import type { LinearGradients, LinearProblem, RunOptions } from '@heed/core';
import { sizeOf } from '@heed/core/backend';
import type { GpuTensor } from '../memory/gpu-tensor.ts';
import type { Engine } from '../platform/engine.ts';
import type { Pipeline } from '../platform/pipelines.ts';
import { Run } from '../platform/run.ts';
import { THREADS } from '../shader/module.ts';
import { vectorsOf } from '../shader/tensors.ts';
import {
  CHUNK,
  COLUMN_PARTS,
  COLUMN_SUMS,
  INFLUENCE,
  TRANSPOSE,
  packTransposedShader,
  slopeShader,
} from './gradient-shaders.ts';
import { PLAIN, type Packed, type Product, productOf, recordProduct } from './product.ts';

type Problem = Required<LinearProblem>;

/** Tensors that a gradient is computed from. */
interface Given {
  readonly input: GpuTensor;
  readonly packed: Packed;
  readonly dOutput: GpuTensor;
}

type Gradient = (given: Given, options: RunOptions) => Promise<LinearGradients<GpuTensor>>;

/**
 * Compiles the gradient of a projection: dX = dZ W, dW = dZᵀ X and db = Σ dZ, as products on the device. The sum of dW is as long as
 * there are rows, so that each number of rows has shaders of its own.
 */
export async function compileGradient(engine: Engine, problem: Problem): Promise<Gradient> {
  const { pipelines } = engine;
  const { inputDim, outputDim, activation, bias } = problem;
  const [sums, slope, ofInput, influence, transpose, pack, packInput, columnParts, columnSums] =
    await Promise.all([
      activation && productOf(engine, { ...problem, activation: null, gradient: false }),
      activation && pipelines.get(slopeShader(activation)),
      productOf(engine, { ...PLAIN, inputDim: outputDim, outputDim: inputDim }),
      pipelines.get(INFLUENCE),
      pipelines.get(TRANSPOSE),
      pipelines.get(packTransposedShader(false)),
      pipelines.get(packTransposedShader(true)),
      bias ? pipelines.get(COLUMN_PARTS) : null,
      bias ? pipelines.get(COLUMN_SUMS) : null,
    ]);

  return async ({ input, packed, dOutput }, { signal }) => {
    const rows = sizeOf(input.shape.slice(0, -1));
    const ofWeight: Product | null =
      rows > 0 ? await productOf(engine, { ...PLAIN, inputDim: rows, outputDim: inputDim }) : null;
    return Run.execute(engine, signal, (run) => {
      const dInput = run.result('float32', input.shape);
      const dWeight = run.result('float32', [outputDim, inputDim]);
      const dBias = bias ? run.result('float32', [outputDim]) : undefined;
      const results = { dInput, dWeight, ...(dBias && { dBias }) };
      if (ofWeight === null) return results;
      const elements = (
        pipeline: Pipeline,
        tensors: Readonly<Record<string, GpuTensor>>,
        params: { readonly rows: number; readonly outputDim: number },
        count: number,
      ): void => {
        const grid = [Math.ceil(count / THREADS), 1, 1] as const;
        run.dispatch({ pipeline, tensors, params, grid, work: 4 * THREADS });
      };
      /** The matrix as the packed weight of a product that sums over its rows. */
      const packedOf = (
        pipeline: Pipeline,
        matrix: GpuTensor,
        length: number,
        width: number,
        others = {},
      ): Packed => {
        const weights = run.temporary('float32', [vectorsOf(length), width, 4]);
        const tensors = { matrix, packed: weights, ...others };
        elements(pipeline, tensors, { rows: length, outputDim: width }, vectorsOf(length) * width);
        return { weights };
      };

      const size = { rows, outputDim };
      let dZ = dOutput;
      if (sums && slope) {
        dZ = run.temporary('float32', [rows, outputDim]);
        recordProduct(run, sums, input, packed, dZ);
        const count = rows * outputDim;
        elements(slope, { sums: dZ, dOutput }, { rows: count, outputDim }, Math.ceil(count / 4));
      }
      recordProduct(run, ofInput, dZ, packedOf(pack, packed.original!, outputDim, inputDim), dInput);

      const words = run.scratch(rows);
      run.dispatch({
        pipeline: influence,
        tensors: { dZ, influence: words },
        params: size,
        grid: [rows, 1, 1],
        work: outputDim,
      });
      const exchanged = run.temporary('float32', [outputDim, rows]);
      elements(transpose, { matrix: dZ, exchanged }, size, rows * outputDim);
      const rowsPacked = packedOf(packInput, input, rows, inputDim, { influence: words });
      recordProduct(run, ofWeight, exchanged, rowsPacked, dWeight);

      if (dBias) {
        const chunks = Math.ceil(rows / CHUNK);
        const columns = Math.ceil(outputDim / THREADS);
        const parts = run.temporary('float32', [chunks, outputDim]);
        const common = { params: size, work: THREADS * CHUNK } as const;
        run.dispatch({
          ...common,
          pipeline: columnParts!,
          tensors: { dZ, parts },
          grid: [columns, chunks, 1],
        });
        run.dispatch({ ...common, pipeline: columnSums!, tensors: { parts, dBias }, grid: [columns, 1, 1] });
      }
      return results;
    });
  };
}

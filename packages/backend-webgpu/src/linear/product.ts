import type { LinearProblem } from '@heed/core';
import { sizeOf } from '@heed/core/backend';
import type { GpuTensor } from '../memory/gpu-tensor.ts';
import type { Engine } from '../platform/engine.ts';
import type { Pipeline } from '../platform/pipelines.ts';
import type { Run } from '../platform/run.ts';
import { FEW_OUTPUTS, FEW_ROWS, TILE, fewRowsShader, manyRowsShader } from './shaders.ts';

/** Parameters on the device, in the form that shaders read. */
export interface Packed {
  readonly weights: GpuTensor;
  readonly scales?: GpuTensor | undefined;
  readonly minima?: GpuTensor | undefined;
  readonly bias?: GpuTensor | undefined;
  /** The weight as it was given, for the gradient. */
  readonly original?: GpuTensor | undefined;
}

/** The shaders of a projection. */
export interface Product {
  readonly problem: Required<LinearProblem>;
  readonly few: Pipeline;
  readonly many: Pipeline;
}

/** A projection of float32 with nothing besides. */
export const PLAIN = {
  dtype: 'float32',
  weightType: 'float32',
  bias: false,
  activation: null,
  gate: false,
  gradient: false,
  argument: false,
} as const;

export async function productOf(
  { pipelines, subgroup }: Engine,
  problem: Required<LinearProblem>,
): Promise<Product> {
  const [few, many] = await Promise.all([
    pipelines.get(fewRowsShader(problem)),
    pipelines.get(manyRowsShader(problem, subgroup)),
  ]);
  return { problem, few, many };
}

/**
 * Records a product.
 *
 * @param output `[…, out]`, filled.
 */
export function recordProduct(
  run: Run,
  { problem: { inputDim, outputDim }, few, many }: Product,
  input: GpuTensor,
  packed: Packed,
  output: GpuTensor,
): void {
  const rows = sizeOf(output.shape) / outputDim;
  const isFew = rows <= FEW_ROWS;
  run.dispatch({
    pipeline: isFew ? few : many,
    tensors: { input, output, ...packed },
    params: { rows, outputDim },
    grid: isFew
      ? [Math.ceil(outputDim / FEW_OUTPUTS), rows, 1]
      : [Math.ceil(outputDim / TILE), Math.ceil(rows / TILE), 1],
    work: inputDim * (isFew ? FEW_OUTPUTS : TILE * TILE),
  });
}

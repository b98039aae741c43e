import type { LinearProblem, Tensor } from '@heed/core';
import { type EngineRunOptions, sizeOf } from '@heed/core/backend';
import { LINEAR_ACTIVATIONS } from '../platform/binding.ts';
import type { Projection } from './projection.ts';

/** Steps of a product on its way to the output. */
export interface ProductEnd {
  readonly bias?: Tensor['data'] | undefined;
  readonly activation?: Required<LinearProblem>['activation'];
  readonly gated?: 0 | 1;
  /** Gradient of the output: the product becomes that of its sums. */
  readonly dOutput?: Tensor;
  readonly residual?: Tensor | undefined;
  /** Filled with what the activation and the gate are computed of. */
  readonly argument?: Tensor;
}

/** Multiplies rows `[…, inputs]` by panels of `outputs`, through the bias, the activation, the gate and the residual. */
export async function multiply(
  { binding, memory, team, problem, isDouble, weightType }: Projection,
  x: Tensor,
  panels: Tensor['data'],
  outputs: number,
  options: EngineRunOptions,
  end: ProductEnd = {},
): Promise<Tensor> {
  const leading = x.shape.slice(0, -1);
  const width = end.gated && end.dOutput ? 2 * outputs : outputs;
  const output = memory.result(problem.dtype, [...leading, width]);
  const activation = LINEAR_ACTIVATIONS.indexOf(end.activation ?? null);
  const inputDim = x.shape.at(-1)!;
  const sizes = [sizeOf(leading), inputDim, outputs, activation, weightType, end.gated ?? 0] as const;
  const inputs = [x, { data: panels }, end.bias && { data: end.bias }, end.dOutput, end.residual];
  await memory.runs.run(options, inputs, [output, end.argument], (read, [filled, argument], control) => {
    const operands = [...read.slice(0, 3), filled, ...read.slice(3), argument];
    return binding.linear(team, isDouble, sizes, operands, control);
  });
  return output;
}

import type { Tensor } from '@heed/core';
import { type EngineRunOptions, sizeOf } from '@heed/core/backend';
import { LINEAR_ACTIVATIONS } from '../platform/binding.ts';
import type { Panels } from './panels.ts';
import { multiply } from './product.ts';
import type { Projection } from './projection.ts';

/** Computes the gradient `[…, weightRows]` of the sums: of what the activation and the gate are computed of. */
export async function sumsGradient(
  projection: Projection,
  { input, dOutput, argument }: { input: Tensor; dOutput: Tensor; argument?: Tensor | undefined },
  { rows, bias }: Panels,
  options: EngineRunOptions,
): Promise<Tensor> {
  const { problem, gated } = projection;
  const { activation, outputDim } = problem;
  if (argument) return argumentGradient(projection, argument, dOutput, options);
  if (activation === null && !gated) return dOutput;
  return multiply(projection, input, rows, outputDim, options, { bias, activation, gated, dOutput });
}

/** Computes it from the argument that forward has kept, without a second product. */
async function argumentGradient(
  { binding, memory, team, problem, isDouble, gated }: Projection,
  argument: Tensor,
  dOutput: Tensor,
  options: EngineRunOptions,
): Promise<Tensor> {
  const dSums = memory.result(problem.dtype, argument.shape);
  const activation = LINEAR_ACTIVATIONS.indexOf(problem.activation);
  const rows = sizeOf(dOutput.shape.slice(0, -1));
  const numbers = Float64Array.of(rows, problem.outputDim, activation, gated);
  await memory.runs.run(options, [argument, dOutput], [dSums], (read, filled, control) =>
    binding.slope(team, isDouble, numbers, [...read, ...filled], control),
  );
  return dSums;
}

/** Computes the gradients of weight and bias from that of the sums. */
export async function weightGradient(
  { binding, memory, team, problem, isDouble, weightRows }: Projection,
  x: Tensor,
  dSums: Tensor,
  options: EngineRunOptions,
): Promise<{ readonly dWeight: Tensor; readonly dBias?: Tensor }> {
  const { dtype, inputDim, bias } = problem;
  // Without rows, nothing is written.
  const dWeight = memory[sizeOf(x.shape) === 0 ? 'zeros' : 'result'](dtype, [weightRows, inputDim]);
  const dBias = bias ? memory.zeros(dtype, [weightRows]) : undefined;
  const sizes = [sizeOf(x.shape.slice(0, -1)), inputDim, weightRows] as const;
  await memory.runs.run(options, [x, dSums], [dWeight, dBias], (read, filled, control) =>
    binding.weightGradient(team, isDouble, sizes, [...read, ...filled], control),
  );
  return { dWeight, ...(dBias && { dBias }) };
}

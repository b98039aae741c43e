import type { FloatDType, LinearParameters, LinearProblem, StoredWeight, Tensor } from '@heed/core';
import { type LinearKernelDefinition, zeros } from '@heed/core/backend';
import { referenceLinear, referenceLinearArgument, referenceLinearGradient } from '@heed/core/reference';

/** Parameters of any type. */
export type AnyParameters = LinearParameters<Tensor, Tensor | StoredWeight>;

/** A linear kernel whose packed weights are the given weights. */
export type SimpleLinear = LinearKernelDefinition<Tensor, AnyParameters>;

/** Rounds a tensor once. */
export function rounded(dtype: FloatDType, { shape, data }: Tensor): Tensor {
  const result = zeros(dtype, shape);
  result.data.set(data);
  return result;
}

/** Linear projections, slow and right. */
export function simpleLinear(problem: Required<LinearProblem>): SimpleLinear {
  const { dtype } = problem;
  return {
    pack: (parameters) => structuredClone(parameters),
    packStored: (parameters) => structuredClone(parameters),
    run: (input, weights) => rounded(dtype, referenceLinear(problem, weights, input)),
    runWithArgument: (input, weights) => ({
      output: rounded(dtype, referenceLinear(problem, weights, input)),
      argument: rounded(dtype, referenceLinearArgument(problem, weights as LinearParameters<Tensor>, input)),
    }),
    async gradient(input, weights, dOutput, _, __, argument) {
      const { dInput, dWeight, dBias } = await referenceLinearGradient(
        problem,
        weights as LinearParameters<Tensor>,
        input,
        dOutput,
        argument,
      );
      return {
        dInput: rounded(dtype, dInput),
        dWeight: rounded(dtype, dWeight),
        ...(dBias && { dBias: rounded(dtype, dBias) }),
      };
    },
  };
}

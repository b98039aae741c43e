import type { ComputeDType, LinearParameters, LinearProblem, RunOptions, Tensor } from '@heed/core';
import { CURVES, type LinearKernelDefinition, inTurns, linearGradientBy, zeros } from '@heed/core/backend';
import { multiply } from './multiply.ts';
import { type Panels, panelsOf, storedPanels } from './panels.ts';

interface Packed {
  readonly panels: Panels;
  readonly bias: Tensor['data'] | null;
  /** The original parameters, for the gradient. */
  readonly parameters: LinearParameters<Tensor> | null;
}

/** Linear projections: SPEC.md, clause `linear`. */
export function compileLinear(problem: Required<LinearProblem>): LinearKernelDefinition<Tensor, Packed> {
  const activate = problem.activation === null ? (x: number): number => x : CURVES[problem.activation].at;
  return {
    pack: ({ weight, bias }) => ({
      panels: panelsOf(weight),
      bias: bias === undefined ? null : bias.data.slice(),
      parameters: problem.gradient ? structuredClone({ weight, bias }) : null,
    }),
    packStored: ({ weight, bias }) => ({
      panels: storedPanels(structuredClone(weight)),
      bias: bias === undefined ? null : bias.data.slice(),
      parameters: null,
    }),
    run: (input, { panels, bias }, { signal }) =>
      inTurns(
        multiply(input, panels, (sum, n) => activate(bias === null ? sum : sum + bias[n]!)),
        signal,
      ),
    async runWithArgument(input, { panels, bias }, { signal }) {
      const shape = [...input.shape.slice(0, -1), problem.outputDim];
      const argument: Tensor<ComputeDType> = zeros(problem.dtype, shape);
      const finish = (sum: number, n: number, at: number): number => {
        const biased = bias === null ? sum : sum + bias[n]!;
        argument.data[at] = biased;
        return activate(biased);
      };
      return { output: await inTurns(multiply(input, panels, finish), signal), argument };
    },
    gradient: (input, { parameters }, dOutput, { signal }: RunOptions, _, argument) =>
      linearGradientBy(
        problem,
        parameters!,
        input,
        dOutput,
        (x, w) =>
          inTurns(
            multiply(x, panelsOf(w), (sum) => sum),
            signal,
          ),
        undefined,
        argument,
      ),
  };
}

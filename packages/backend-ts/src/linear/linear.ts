import type { LinearParameters, LinearProblem, RunOptions, Tensor } from '@heed/core';
import { CURVES, type LinearKernelDefinition, inTurns, linearGradientBy } from '@heed/core/backend';
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
  const activate = problem.activation === null ? null : CURVES[problem.activation].at;
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
    run(input, { panels, bias }, { signal }) {
      const finish = (sum: number, n: number): number => {
        const biased = bias === null ? sum : sum + bias[n]!;
        return activate === null ? biased : activate(biased);
      };
      return inTurns(multiply(input, panels, finish), signal);
    },
    gradient: (input, { parameters }, dOutput, { signal }: RunOptions) =>
      linearGradientBy(problem, parameters!, input, dOutput, (x, w) =>
        inTurns(
          multiply(x, panelsOf(w), (sum) => sum),
          signal,
        ),
      ),
  };
}

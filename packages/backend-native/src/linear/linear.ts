import type { LinearProblem, Tensor } from '@heed/core';
import type { LinearKernelDefinition } from '@heed/core/backend';
import type { Memory } from '../memory/memory.ts';
import type { Binding, Team } from '../platform/binding.ts';
import { sumsGradient, weightGradient } from './gradient.ts';
import { type Panels, pack, packStored } from './panels.ts';
import { multiply } from './product.ts';
import { projectionOf } from './projection.ts';

/** Linear projections: SPEC.md, clause `linear`. */
export function compileLinear(
  binding: Binding,
  memory: Memory,
  team: Team,
  problem: Required<LinearProblem>,
): LinearKernelDefinition<Tensor, Panels> {
  const projection = projectionOf(binding, memory, team, problem);
  const { gated, weightRows } = projection;
  const { dtype, inputDim, outputDim, activation } = problem;
  return {
    pack: (parameters) => pack(projection, parameters),
    packStored: (parameters) => packStored(projection, parameters),
    free({ rows, columns }) {
      for (const panels of [rows, columns]) if (panels !== null) memory.free({ data: panels });
    },
    run: (input, { rows, bias }, options, residual) =>
      multiply(projection, input, rows, outputDim, options, { bias, activation, gated, residual }),
    async runWithArgument(input, { rows, bias }, options, residual) {
      const argument = memory.result(dtype, [...input.shape.slice(0, -1), weightRows]);
      const end = { bias, activation, gated, residual, argument } as const;
      return { output: await multiply(projection, input, rows, outputDim, options, end), argument };
    },
    async gradient(input, panels, dOutput, options, dResidual, argument) {
      // The gradients wait for it, and they alone.
      const inBetween = { ...options, resident: true };
      const dSums = await sumsGradient(projection, { input, dOutput, argument }, panels, inBetween);
      const [dInput, others] = await Promise.all([
        multiply(projection, dSums, panels.columns!, inputDim, options, { residual: dResidual }),
        weightGradient(projection, input, dSums, options),
      ]);
      if (dSums !== dOutput) memory.free(dSums);
      return { dInput, ...others };
    },
  };
}

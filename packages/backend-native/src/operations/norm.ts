import type { NormProblem, Tensor } from '@heed/core';
import { type EngineRunOptions, sizeOf } from '@heed/core/backend';
import type { NormKernelDefinition } from '@heed/core/operations';
import type { Memory } from '../memory/memory.ts';
import type { Binding, Team } from '../platform/binding.ts';

/** Tensors that a norm takes, and those of its gradient. */
interface NormTensors {
  readonly input: Tensor;
  readonly weight: Tensor;
  readonly bias?: Tensor | undefined;
  readonly dOutput?: Tensor;
  readonly residual?: Tensor | undefined;
  /** Results: filled when the promise settles. */
  readonly output: Tensor;
  readonly dWeight?: Tensor;
  readonly dBias?: Tensor | undefined;
}

/** Norms of rows: SPEC.md, clause `norm`. */
export function compileNorm(
  binding: Binding,
  memory: Memory,
  team: Team,
  { kind, width, dtype, epsilon, bias: hasBias }: Required<NormProblem>,
): NormKernelDefinition {
  const compute = (
    { input, weight, bias, dOutput, residual, ...results }: NormTensors,
    options: EngineRunOptions,
  ): Promise<void> => {
    const rows = sizeOf(input.shape.slice(0, -1));
    const numbers = Float64Array.of(Number(kind === 'layer'), rows, width, epsilon);
    const inputs = [input, weight, bias, dOutput, residual];
    const filled = [results.output, results.dWeight, results.dBias];
    return memory.runs.run(options, inputs, filled, (read, all, control) =>
      binding.norm(team, dtype === 'float64', numbers, [...read, ...all], control),
    );
  };
  return {
    async run(inputs, options) {
      const output = memory.result(dtype, inputs.input.shape);
      await compute({ ...inputs, output }, options);
      return output;
    },
    async gradient({ input, weight }, { dOutput, dResidual: residual }, options) {
      const dInput = memory.result(dtype, input.shape);
      // Without rows, nothing is written.
      const dWeight = memory.zeros(dtype, [width]);
      const dBias = hasBias ? memory.zeros(dtype, [width]) : undefined;
      await compute({ input, weight, dOutput, residual, output: dInput, dWeight, dBias }, options);
      return { dInput, dWeight, ...(dBias && { dBias }) };
    },
  };
}

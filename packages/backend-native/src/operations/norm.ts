import type { NormProblem, RunOptions, Tensor } from '@heed/core';
import { sizeOf } from '@heed/core/backend';
import type { NormKernelDefinition } from '@heed/core/operations';
import type { Memory } from '../memory/memory.ts';
import { fixedMemory } from '../memory/plain-memory.ts';
import type { Binding, Team } from '../platform/binding.ts';
import { untilStopped } from '../platform/run-pass.ts';

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
    { signal }: RunOptions,
  ): Promise<void> => {
    const rows = sizeOf(input.shape.slice(0, -1));
    const numbers = Float64Array.of(Number(kind === 'layer'), rows, width, epsilon);
    const inputs = [input, weight, bias, dOutput, residual].map((tensor) => tensor && fixedMemory(tensor));
    const operands = [...inputs, results.output.data, results.dWeight?.data, results.dBias?.data];
    return untilStopped(signal, (stop) => binding.norm(team, dtype === 'float64', numbers, operands, stop));
  };
  return {
    async run(inputs, options) {
      options.signal?.throwIfAborted();
      const output = memory.blank(dtype, inputs.input.shape);
      await compute({ ...inputs, output }, options);
      return output;
    },
    async gradient({ input, weight }, { dOutput, dResidual: residual }, options) {
      options.signal?.throwIfAborted();
      const dInput = memory.blank(dtype, input.shape);
      // Without rows, nothing is written.
      const dWeight = memory.zeros(dtype, [width]);
      const dBias = hasBias ? memory.zeros(dtype, [width]) : undefined;
      await compute({ input, weight, dOutput, residual, output: dInput, dWeight, dBias }, options);
      return { dInput, dWeight, ...(dBias && { dBias }) };
    },
  };
}

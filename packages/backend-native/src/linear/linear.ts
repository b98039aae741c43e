import type { LinearProblem, RunOptions, Tensor } from '@heed/core';
import { type LinearKernelDefinition, sizeOf } from '@heed/core/backend';
import type { Memory } from '../memory/memory.ts';
import { fixedMemory } from '../memory/plain-memory.ts';
import { type Binding, LINEAR_ACTIVATIONS, LINEAR_WEIGHTS, type Team } from '../platform/binding.ts';
import { inHeedsWords, untilStopped } from '../platform/run-pass.ts';

interface Packed {
  /** Panels of the weight's rows, and of its columns, for the gradient of the input. */
  readonly rows: Tensor['data'];
  readonly columns: Tensor['data'] | null;
  readonly bias: Tensor['data'] | undefined;
}

/** Linear projections: SPEC.md, clause `linear`. */
export function compileLinear(
  binding: Binding,
  memory: Memory,
  team: Team,
  problem: Required<LinearProblem>,
): LinearKernelDefinition<Tensor, Packed> {
  const { dtype, inputDim, outputDim } = problem;
  const isDouble = dtype === 'float64';
  const panel = binding.panelWidth(team, isDouble);
  const weightType = Math.max(0, (LINEAR_WEIGHTS as readonly unknown[]).indexOf(problem.weightType));

  /** A product with panels, through the activation; with `dOutput`, the gradient of the activation's argument. */
  const multiply = async (
    x: Tensor,
    panels: ArrayBufferView,
    outputs: number,
    { signal }: RunOptions,
    end: {
      readonly bias?: Tensor['data'] | undefined;
      readonly activation?: Required<LinearProblem>['activation'];
      readonly dOutput?: Tensor;
      readonly residual?: Tensor | undefined;
    } = {},
  ): Promise<Tensor> => {
    signal?.throwIfAborted();
    const leading = x.shape.slice(0, -1);
    const output = memory.blank(dtype, [...leading, outputs]);
    const activation = LINEAR_ACTIVATIONS.indexOf(end.activation ?? null);
    const sizes = [sizeOf(leading), x.shape.at(-1)!, outputs, activation, weightType] as const;
    const [dOutput, residual] = [end.dOutput, end.residual].map((tensor) => tensor && fixedMemory(tensor));
    const operands = [fixedMemory(x), panels, end.bias, output.data, dOutput, residual];
    await untilStopped(signal, (stop) => binding.linear(team, isDouble, sizes, operands, stop));
    return output;
  };

  const weightGradient = async (
    x: Tensor,
    dZ: Tensor,
    { signal }: RunOptions,
  ): Promise<{ readonly dWeight: Tensor; readonly dBias?: Tensor }> => {
    // Without rows, nothing is written.
    const dWeight = memory[sizeOf(x.shape) === 0 ? 'zeros' : 'blank'](dtype, [outputDim, inputDim]);
    const dBias = problem.bias ? memory.zeros(dtype, [outputDim]) : undefined;
    const sizes = [sizeOf(x.shape.slice(0, -1)), inputDim, outputDim] as const;
    const operands = [fixedMemory(x), fixedMemory(dZ), dWeight.data, dBias?.data];
    await untilStopped(signal, (stop) => binding.weightGradient(team, isDouble, sizes, operands, stop));
    return { dWeight, ...(dBias && { dBias }) };
  };

  return {
    pack({ weight: { data }, bias }) {
      try {
        const panels = (ofColumns: 0 | 1): Tensor['data'] => {
          const width = Math.ceil((ofColumns ? inputDim : outputDim) / panel) * panel;
          const { data: to } = memory.blank(dtype, [width, ofColumns ? outputDim : inputDim]);
          binding.packLinear(team, isDouble, [outputDim, inputDim, ofColumns], data, to);
          return to;
        };
        return { rows: panels(0), columns: problem.gradient ? panels(1) : null, bias: bias?.data.slice() };
      } catch (error) {
        throw inHeedsWords(error);
      }
    },
    packStored({ weight: { shape, data }, bias }) {
      try {
        const [outputs, inputs] = shape as [number, number];
        const rows = binding.packWeight(team, [weightType, outputs, inputs], data);
        return { rows, columns: null, bias: bias?.data.slice() };
      } catch (error) {
        throw inHeedsWords(error);
      }
    },
    free({ rows, columns }) {
      for (const panels of [rows, columns]) if (panels !== null) memory.free({ data: panels });
    },
    run: (input, { rows, bias }, options, residual) =>
      multiply(input, rows, outputDim, options, { bias, activation: problem.activation, residual }),
    async gradient(input, { rows, columns, bias }, dOutput, options, dResidual) {
      const { activation } = problem;
      const dZ =
        activation === null
          ? dOutput
          : await multiply(input, rows, outputDim, options, { bias, activation, dOutput });
      const [dInput, others] = await Promise.all([
        multiply(dZ, columns!, inputDim, options, { residual: dResidual }),
        weightGradient(input, dZ, options),
      ]);
      if (dZ !== dOutput) memory.free(dZ);
      return { dInput, ...others };
    },
  };
}

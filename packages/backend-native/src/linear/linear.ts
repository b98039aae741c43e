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
  const gated = problem.gate ? 1 : 0;
  /** Rows of the weight. */
  const weightRows = gated ? 2 * outputDim : outputDim;
  const isDouble = dtype === 'float64';
  const panel = binding.panelWidth(team, isDouble);
  const weightType = Math.max(0, (LINEAR_WEIGHTS as readonly unknown[]).indexOf(problem.weightType));

  /** A product with panels, through the activation and the gate; with `dOutput`, the gradient of its sums. */
  const multiply = async (
    x: Tensor,
    panels: ArrayBufferView,
    outputs: number,
    { signal }: RunOptions,
    end: {
      readonly bias?: Tensor['data'] | undefined;
      readonly activation?: Required<LinearProblem>['activation'];
      readonly gated?: 0 | 1;
      readonly dOutput?: Tensor;
      readonly residual?: Tensor | undefined;
      /** Filled with what the activation and the gate are computed of. */
      readonly argument?: Tensor;
    } = {},
  ): Promise<Tensor> => {
    signal?.throwIfAborted();
    const leading = x.shape.slice(0, -1);
    const width = end.gated && end.dOutput ? 2 * outputs : outputs;
    const output = memory.blank(dtype, [...leading, width]);
    const activation = LINEAR_ACTIVATIONS.indexOf(end.activation ?? null);
    const sizes = [
      sizeOf(leading),
      x.shape.at(-1)!,
      outputs,
      activation,
      weightType,
      end.gated ?? 0,
    ] as const;
    const [dOutput, residual] = [end.dOutput, end.residual].map((tensor) => tensor && fixedMemory(tensor));
    const operands = [fixedMemory(x), panels, end.bias, output.data, dOutput, residual, end.argument?.data];
    await untilStopped(signal, (stop) => binding.linear(team, isDouble, sizes, operands, stop));
    return output;
  };

  /** The gradient of what the activation and the gate are computed of. */
  const argumentGradient = async (
    argument: Tensor,
    dOutput: Tensor,
    { signal }: RunOptions,
  ): Promise<Tensor> => {
    signal?.throwIfAborted();
    const dZ = memory.blank(dtype, argument.shape);
    const activation = LINEAR_ACTIVATIONS.indexOf(problem.activation);
    const numbers = Float64Array.of(sizeOf(dOutput.shape.slice(0, -1)), outputDim, activation, gated);
    const operands = [fixedMemory(argument), fixedMemory(dOutput), dZ.data];
    await untilStopped(signal, (stop) => binding.slope(team, isDouble, numbers, operands, stop));
    return dZ;
  };

  const weightGradient = async (
    x: Tensor,
    dZ: Tensor,
    { signal }: RunOptions,
  ): Promise<{ readonly dWeight: Tensor; readonly dBias?: Tensor }> => {
    // Without rows, nothing is written.
    const dWeight = memory[sizeOf(x.shape) === 0 ? 'zeros' : 'blank'](dtype, [weightRows, inputDim]);
    const dBias = problem.bias ? memory.zeros(dtype, [weightRows]) : undefined;
    const sizes = [sizeOf(x.shape.slice(0, -1)), inputDim, weightRows] as const;
    const operands = [fixedMemory(x), fixedMemory(dZ), dWeight.data, dBias?.data];
    await untilStopped(signal, (stop) => binding.weightGradient(team, isDouble, sizes, operands, stop));
    return { dWeight, ...(dBias && { dBias }) };
  };

  const panelsOfRows = (data: Tensor['data']): Tensor['data'] => {
    const width = Math.ceil(outputDim / panel) * panel;
    const { data: to } = memory.blank(dtype, [gated ? 2 * width : width, inputDim]);
    if (gated) {
      const [half, next] = [outputDim * inputDim, panel * inputDim];
      const lower = data.subarray(half) as Tensor['data'];
      binding.packLinear(team, isDouble, [outputDim, inputDim, 0, 2], data, to);
      binding.packLinear(team, isDouble, [outputDim, inputDim, 0, 2], lower, to.subarray(next));
    } else {
      binding.packLinear(team, isDouble, [outputDim, inputDim, 0, 1], data, to);
    }
    return to;
  };

  const panelsOfColumns = (data: Tensor['data']): Tensor['data'] => {
    const { data: to } = memory.blank(dtype, [Math.ceil(inputDim / panel) * panel, weightRows]);
    binding.packLinear(team, isDouble, [weightRows, inputDim, 1, 1], data, to);
    return to;
  };

  return {
    pack({ weight: { data }, bias }) {
      try {
        const columns = problem.gradient ? panelsOfColumns(data) : null;
        return { rows: panelsOfRows(data), columns, bias: bias?.data.slice() };
      } catch (error) {
        throw inHeedsWords(error);
      }
    },
    packStored({ weight: { shape, data }, bias }) {
      try {
        const [outputs, inputs] = shape as [number, number];
        const rows = binding.packWeight(team, [weightType, outputs, inputs, gated], data);
        return { rows, columns: null, bias: bias?.data.slice() };
      } catch (error) {
        throw inHeedsWords(error);
      }
    },
    free({ rows, columns }) {
      for (const panels of [rows, columns]) if (panels !== null) memory.free({ data: panels });
    },
    run: (input, { rows, bias }, options, residual) =>
      multiply(input, rows, outputDim, options, { bias, activation: problem.activation, gated, residual }),
    async runWithArgument(input, { rows, bias }, options, residual) {
      const { activation } = problem;
      const argument = memory.blank(dtype, [...input.shape.slice(0, -1), weightRows]);
      const end = { bias, activation, gated, residual, argument } as const;
      return { output: await multiply(input, rows, outputDim, options, end), argument };
    },
    async gradient(input, { rows, columns, bias }, dOutput, options, dResidual, argument) {
      const { activation } = problem;
      const dZ = await (() => {
        if (argument) return argumentGradient(argument, dOutput, options);
        if (activation === null && !gated) return dOutput;
        return multiply(input, rows, outputDim, options, { bias, activation, gated, dOutput });
      })();
      const [dInput, others] = await Promise.all([
        multiply(dZ, columns!, inputDim, options, { residual: dResidual }),
        weightGradient(input, dZ, options),
      ]);
      if (dZ !== dOutput) memory.free(dZ);
      return { dInput, ...others };
    },
  };
}

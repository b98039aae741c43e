import type { LinearProblem, Tensor } from '@heed/core';
import { type EngineRunOptions, type LinearKernelDefinition, sizeOf } from '@heed/core/backend';
import type { Memory } from '../memory/memory.ts';
import { type Binding, LINEAR_ACTIVATIONS, LINEAR_WEIGHTS, type Team } from '../platform/binding.ts';
import { inHeedsWords } from '../platform/errors.ts';

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
    panels: Tensor['data'],
    outputs: number,
    options: EngineRunOptions,
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
    const leading = x.shape.slice(0, -1);
    const width = end.gated && end.dOutput ? 2 * outputs : outputs;
    const output = memory.result(dtype, [...leading, width]);
    const activation = LINEAR_ACTIVATIONS.indexOf(end.activation ?? null);
    const sizes = [
      sizeOf(leading),
      x.shape.at(-1)!,
      outputs,
      activation,
      weightType,
      end.gated ?? 0,
    ] as const;
    const inputs = [x, { data: panels }, end.bias && { data: end.bias }, end.dOutput, end.residual];
    await memory.runs.run(options, inputs, [output, end.argument], (read, [filled, argument], control) => {
      const operands = [...read.slice(0, 3), filled, ...read.slice(3), argument];
      return binding.linear(team, isDouble, sizes, operands, control);
    });
    return output;
  };

  /** The gradient of what the activation and the gate are computed of. */
  const argumentGradient = async (
    argument: Tensor,
    dOutput: Tensor,
    options: EngineRunOptions,
  ): Promise<Tensor> => {
    const dZ = memory.result(dtype, argument.shape);
    const activation = LINEAR_ACTIVATIONS.indexOf(problem.activation);
    const numbers = Float64Array.of(sizeOf(dOutput.shape.slice(0, -1)), outputDim, activation, gated);
    await memory.runs.run(options, [argument, dOutput], [dZ], (read, filled, control) =>
      binding.slope(team, isDouble, numbers, [...read, ...filled], control),
    );
    return dZ;
  };

  const weightGradient = async (
    x: Tensor,
    dZ: Tensor,
    options: EngineRunOptions,
  ): Promise<{ readonly dWeight: Tensor; readonly dBias?: Tensor }> => {
    // Without rows, nothing is written.
    const dWeight = memory[sizeOf(x.shape) === 0 ? 'zeros' : 'result'](dtype, [weightRows, inputDim]);
    const dBias = problem.bias ? memory.zeros(dtype, [weightRows]) : undefined;
    const sizes = [sizeOf(x.shape.slice(0, -1)), inputDim, weightRows] as const;
    await memory.runs.run(options, [x, dZ], [dWeight, dBias], (read, filled, control) =>
      binding.weightGradient(team, isDouble, sizes, [...read, ...filled], control),
    );
    return { dWeight, ...(dBias && { dBias }) };
  };

  const panelsOfRows = (data: Tensor['data']): Tensor['data'] => {
    const width = Math.ceil(outputDim / panel) * panel;
    const { data: to } = memory.blank(dtype, [gated ? 2 * width : width, inputDim]);
    if (gated) {
      const [half, next] = [outputDim * inputDim, panel * inputDim];
      binding.packLinear(team, isDouble, [outputDim, inputDim, 0, 2], data.subarray(0, half), to);
      binding.packLinear(team, isDouble, [outputDim, inputDim, 0, 2], data.subarray(half), to.subarray(next));
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

  const owned = (packed: Packed): Packed => {
    for (const data of [packed.rows, packed.columns, packed.bias]) if (data) memory.runs.own({ data });
    return packed;
  };

  return {
    async pack({ weight, bias }) {
      await memory.runs.readable([weight, bias]);
      const { data } = weight;
      try {
        const columns = problem.gradient ? panelsOfColumns(data) : null;
        return owned({ rows: panelsOfRows(data), columns, bias: bias?.data.slice() });
      } catch (error) {
        throw inHeedsWords(error);
      }
    },
    async packStored({ weight: { shape, data }, bias }) {
      await memory.runs.readable([bias]);
      try {
        const [outputs, inputs] = shape as [number, number];
        const rows = binding.packWeight(team, [weightType, outputs, inputs, gated], data);
        return owned({ rows, columns: null, bias: bias?.data.slice() });
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
      const argument = memory.result(dtype, [...input.shape.slice(0, -1), weightRows]);
      const end = { bias, activation, gated, residual, argument } as const;
      return { output: await multiply(input, rows, outputDim, options, end), argument };
    },
    async gradient(input, { rows, columns, bias }, dOutput, options, dResidual, argument) {
      const { activation } = problem;
      // The gradients wait for it, and they alone.
      const inBetween = { ...options, resident: true };
      const dZ = await (() => {
        if (argument) return argumentGradient(argument, dOutput, inBetween);
        if (activation === null && !gated) return dOutput;
        return multiply(input, rows, outputDim, inBetween, { bias, activation, gated, dOutput });
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

import type { LinearParameters, LinearProblem, RunOptions, Tensor } from '@heed/core';
import { type LinearKernelDefinition, linearGradientBy, sizeOf, zeros } from '@heed/core/backend';
import { fixedMemory } from '../memory/plain-memory.ts';
import { type Binding, LINEAR_ACTIVATIONS, LINEAR_WEIGHTS, type Team } from '../platform/binding.ts';
import { inHeedsWords, untilStopped } from '../platform/run-pass.ts';

interface Packed {
  readonly panels: ArrayBufferView;
  readonly bias: Tensor['data'] | undefined;
  /** Parameters as given, for the gradient. */
  readonly parameters: LinearParameters<Tensor> | null;
}

/** Linear projections: SPEC.md, clause `linear`. */
export function compileLinear(
  binding: Binding,
  team: Team,
  problem: Required<LinearProblem>,
): LinearKernelDefinition<Tensor, Packed> {
  const isDouble = problem.dtype === 'float64';
  const width = binding.panelColumns(team, isDouble);

  const weightType = Math.max(0, (LINEAR_WEIGHTS as readonly unknown[]).indexOf(problem.weightType));

  const multiply = async (
    x: Tensor,
    panels: ArrayBufferView,
    outputs: number,
    { signal }: RunOptions,
    bias?: Tensor['data'],
    activation: Required<LinearProblem>['activation'] = null,
  ): Promise<Tensor> => {
    signal?.throwIfAborted();
    const leading = x.shape.slice(0, -1);
    const output = zeros(problem.dtype, [...leading, outputs]);
    const sizes = [
      sizeOf(leading),
      x.shape.at(-1)!,
      outputs,
      LINEAR_ACTIVATIONS.indexOf(activation),
      weightType,
    ] as const;
    const operands = [fixedMemory(x), panels, bias, output.data];
    await untilStopped(signal, (stop) => binding.linear(team, isDouble, sizes, operands, stop));
    return output;
  };

  return {
    pack: ({ weight, bias }) => ({
      panels: panelsOf(weight, width),
      bias: bias?.data.slice(),
      parameters: problem.gradient ? structuredClone({ weight, bias }) : null,
    }),
    packStored({ weight: { shape, data }, bias }) {
      try {
        const [outputs, inputs] = shape as [number, number];
        const panels = binding.packWeight(team, [weightType, outputs, inputs], data);
        return { panels, bias: bias?.data.slice(), parameters: null };
      } catch (error) {
        throw inHeedsWords(error);
      }
    },
    run: (input, { panels, bias }, options) =>
      multiply(input, panels, problem.outputDim, options, bias, problem.activation),
    gradient: (input, { parameters }, dOutput, options) =>
      linearGradientBy(problem, parameters!, input, dOutput, async (x, weight) =>
        // The native file does not compute sums over no terms, which arise without rows.
        x.shape.includes(0)
          ? zeros(problem.dtype, [x.shape[0]!, weight.shape[0]!])
          : multiply(x, panelsOf(weight, width), weight.shape[0]!, options),
      ),
  };
}

/** A weight `[out, in]` with `width` columns side by side, 0 behind the last: `[⌈out / width⌉, in, width]`. */
function panelsOf({ dtype, shape, data }: Tensor, width: number): Tensor['data'] {
  const [outputs, inputs] = shape as [number, number];
  const panels = zeros(dtype, [Math.ceil(outputs / width) * width * inputs]).data;
  const BLOCK = 16;
  for (let first = 0; first < inputs; first += BLOCK) {
    const end = Math.min(inputs, first + BLOCK);
    for (let n = 0; n < outputs; n++) {
      const to = (n - (n % width)) * inputs + (n % width);
      for (let k = first; k < end; k++) panels[to + k * width] = data[n * inputs + k]!;
    }
  }
  return panels;
}

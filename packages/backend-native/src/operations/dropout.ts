import type { ElementDropoutProblem, Tensor } from '@heed/core';
import { type EngineRunOptions, sizeOf } from '@heed/core/backend';
import type { ElementDropoutKernelDefinition } from '@heed/core/operations';
import type { Memory } from '../memory/memory.ts';
import type { Binding, Team } from '../platform/binding.ts';

/** Dropout of elements: SPEC.md, clause `elementDropout`. Its gradient is the same function of the gradient of the output. */
export function compileDropout(
  binding: Binding,
  memory: Memory,
  team: Team,
  { probability, dtype }: Required<ElementDropoutProblem>,
): ElementDropoutKernelDefinition {
  const drop = async (
    input: Tensor,
    residual: Tensor | undefined,
    { seed, stream = 0 }: { readonly seed: number; readonly stream?: number | undefined },
    options: EngineRunOptions,
  ): Promise<Tensor> => {
    const output = memory.result(dtype, input.shape);
    const threshold = Math.floor(probability * 2 ** 32);
    const numbers = Float64Array.of(
      sizeOf(input.shape),
      threshold,
      1 / (1 - probability),
      seed % 2 ** 32,
      Math.floor(seed / 2 ** 32),
      stream,
    );
    await memory.runs.run(options, [input, residual], [output], (read, filled, control) =>
      binding.elementDropout(team, dtype === 'float64', numbers, [...read, ...filled], control),
    );
    return output;
  };
  return {
    run: ({ input, residual, ...seed }, options) => drop(input, residual, seed, options),
    gradient: async (seed, { dOutput }, options) => ({
      dInput: await drop(dOutput, undefined, seed, options),
    }),
  };
}

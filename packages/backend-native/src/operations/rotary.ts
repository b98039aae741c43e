import type { RotaryInputs, RotaryProblem, Tensor } from '@heed/core';
import type { EngineRunOptions } from '@heed/core/backend';
import type { RotaryKernelDefinition } from '@heed/core/operations';
import type { Memory } from '../memory/memory.ts';
import type { Binding, Team } from '../platform/binding.ts';

/** Rotary position embeddings: SPEC.md, clause `rotary`. Their gradient is the rotation back. */
export function compileRotary(
  binding: Binding,
  memory: Memory,
  team: Team,
  { headDim, rotaryDim, interleaved, dtype }: Required<RotaryProblem>,
): RotaryKernelDefinition {
  const rotate = async (
    { input, cosines, sines }: RotaryInputs<Tensor>,
    isBack: boolean,
    options: EngineRunOptions,
  ): Promise<Tensor> => {
    const output = memory.result(dtype, input.shape);
    const [batch, length, heads] = input.shape as [number, number, number];
    const flags = [interleaved, isBack, cosines.shape.length === 3].map(Number);
    const numbers = Float64Array.of(batch, length, heads, headDim, rotaryDim / 2, ...flags);
    await memory.runs.run(options, [input, cosines, sines], [output], (read, filled, control) =>
      binding.rotary(team, dtype === 'float64', numbers, [...read, ...filled], control),
    );
    return output;
  };
  return {
    run: (inputs, options) => rotate(inputs, false, options),
    gradient: async (tables, { dOutput }, options) => ({
      dInput: await rotate({ ...tables, input: dOutput }, true, options),
    }),
  };
}

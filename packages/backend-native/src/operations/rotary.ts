import type { RotaryInputs, RotaryProblem, RunOptions, Tensor } from '@heed/core';
import type { RotaryKernelDefinition } from '@heed/core/operations';
import type { Memory } from '../memory/memory.ts';
import { fixedMemory } from '../memory/plain-memory.ts';
import type { Binding, Team } from '../platform/binding.ts';
import { untilStopped } from '../platform/run-pass.ts';

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
    { signal }: RunOptions,
  ): Promise<Tensor> => {
    signal?.throwIfAborted();
    const output = memory.blank(dtype, input.shape);
    const [batch, length, heads] = input.shape as [number, number, number];
    const flags = [interleaved, isBack, cosines.shape.length === 3].map(Number);
    const numbers = Float64Array.of(batch, length, heads, headDim, rotaryDim / 2, ...flags);
    const operands = [...[input, cosines, sines].map(fixedMemory), output.data];
    await untilStopped(signal, (stop) => binding.rotary(team, dtype === 'float64', numbers, operands, stop));
    return output;
  };
  return {
    run: (inputs, options) => rotate(inputs, false, options),
    gradient: async (tables, { dOutput }, options) => ({
      dInput: await rotate({ ...tables, input: dOutput }, true, options),
    }),
  };
}

import type { EmbeddingProblem, RunOptions, Tensor } from '@heed/core';
import type { EmbeddingKernelDefinition } from '@heed/core/operations';
import type { Memory } from '../memory/memory.ts';
import { fixedMemory } from '../memory/plain-memory.ts';
import type { Binding, Team } from '../platform/binding.ts';
import { untilStopped } from '../platform/run-pass.ts';

/** Rows of a weight: SPEC.md, clause `embedding`. */
export function compileEmbedding(
  binding: Binding,
  memory: Memory,
  team: Team,
  { count, width, dtype }: Required<EmbeddingProblem>,
): EmbeddingKernelDefinition {
  const compute = async (
    input: Tensor,
    { data }: Tensor<'int32'>,
    output: Tensor,
    isGradient: boolean,
    { signal }: RunOptions,
  ): Promise<Tensor> => {
    signal?.throwIfAborted();
    const numbers = Float64Array.of(data.length, count, width, Number(isGradient));
    // They were checked: what is written to them meanwhile has no effect.
    const operands = [fixedMemory(input), output.data, data.slice()];
    await untilStopped(signal, (stop) =>
      binding.embedding(team, dtype === 'float64', numbers, operands, stop),
    );
    return output;
  };
  return {
    run: ({ indices, weight }, options) =>
      compute(weight, indices, memory.blank(dtype, [...indices.shape, width]), false, options),
    gradient: async ({ indices }, { dOutput }, options) => ({
      dWeight: await compute(dOutput, indices, memory.blank(dtype, [count, width]), true, options),
    }),
  };
}

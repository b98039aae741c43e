import type { EmbeddingProblem, Tensor } from '@heed/core';
import type { EngineRunOptions } from '@heed/core/backend';
import type { EmbeddingKernelDefinition } from '@heed/core/operations';
import type { Memory } from '../memory/memory.ts';
import type { Binding, Team } from '../platform/binding.ts';

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
    options: EngineRunOptions,
  ): Promise<Tensor> => {
    const numbers = Float64Array.of(data.length, count, width, Number(isGradient));
    // They were checked: what is written to them meanwhile has no effect.
    const places = data.slice();
    await memory.runs.run(options, [input], [output], (read, filled, control) =>
      binding.embedding(team, dtype === 'float64', numbers, [...read, ...filled, places], control),
    );
    return output;
  };
  return {
    run: ({ indices, weight }, options) =>
      compute(weight, indices, memory.result(dtype, [...indices.shape, width]), false, options),
    gradient: async ({ indices }, { dOutput }, options) => ({
      dWeight: await compute(dOutput, indices, memory.result(dtype, [count, width]), true, options),
    }),
  };
}

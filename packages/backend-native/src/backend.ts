import type {
  AttentionBackend,
  AttentionGradients,
  AttentionInputs,
  AttentionProblem,
  GradientInputs,
  Tensor,
} from '@heed/core';
import {
  type EngineRunOptions,
  type KernelDefinition,
  STORED_TYPES,
  defineBackend,
} from '@heed/core/backend';
import { offerElementDropout, offerEmbedding, offerNorm, offerRotary } from '@heed/core/operations';
import { capabilities } from './capabilities.ts';
import { asResults, forwardResults } from './forward/results.ts';
import { gradientResults } from './gradient/results.ts';
import { compileLinear } from './linear/linear.ts';
import { Memory } from './memory/memory.ts';
import { compileDropout } from './operations/dropout.ts';
import { compileEmbedding } from './operations/embedding.ts';
import { compileNorm } from './operations/norm.ts';
import { compileRotary } from './operations/rotary.ts';
import type { Binding, Team } from './platform/binding.ts';
import { runPass } from './platform/run-pass.ts';

export function createBackend(binding: Binding, team: Team, device: string): AttentionBackend {
  const memory = new Memory(binding);
  return defineBackend({
    name: 'native',
    device,
    capabilities,
    memory: memory.resident,
    compile: (problem) => compile(binding, memory, team, problem),
    linear: {
      weightTypes: STORED_TYPES,
      gates: true,
      arguments: true,
      compile: (problem) => compileLinear(binding, memory, team, problem),
      add: 'kernel',
    },
    operations: [
      offerNorm((problem) => compileNorm(binding, memory, team, problem)),
      offerRotary((problem) => compileRotary(binding, memory, team, problem)),
      offerEmbedding((problem) => compileEmbedding(binding, memory, team, problem)),
      offerElementDropout((problem) => compileDropout(binding, memory, team, problem)),
    ],
  });
}

function compile(binding: Binding, memory: Memory, team: Team, problem: AttentionProblem): KernelDefinition {
  const { kernel, blockRows, tileKeys, forwardBytes, gradientBytes } = binding.compile(team, problem);
  return {
    plan: {
      algorithm: 'flash attention: online softmax over tiles',
      tile: { query: blockRows, key: tileKeys },
      scratchBytes: problem.gradient ? Math.max(forwardBytes, gradientBytes) : forwardBytes,
    },
    async run({ value, ...inputs }, options) {
      const results = forwardResults(memory, problem);
      const given = problem.valueFromKey === null ? { ...inputs, value } : { ...inputs };
      await runPass(binding, memory.runs, kernel, false, given, results, options);
      return asResults(results);
    },
    ...(problem.gradient && {
      async gradient(
        inputs: AttentionInputs<Tensor>,
        { output, statistics, dOutput }: GradientInputs<Tensor>,
        options: EngineRunOptions,
      ): Promise<AttentionGradients<Tensor>> {
        const results = gradientResults(memory, inputs);
        const given = { ...inputs, output, ...statistics, dOutput };
        await runPass(binding, memory.runs, kernel, true, given, results, options);
        return results as unknown as AttentionGradients<Tensor>;
      },
    }),
  };
}

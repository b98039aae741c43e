import type {
  AttentionBackend,
  AttentionGradients,
  AttentionInputs,
  AttentionProblem,
  GradientInputs,
  RunOptions,
  Tensor,
} from '@heed/core';
import { type KernelDefinition, STORED_TYPES, defineBackend } from '@heed/core/backend';
import { capabilities } from './capabilities.ts';
import { asResults, forwardResults } from './forward/results.ts';
import { gradientResults } from './gradient/results.ts';
import { compileLinear } from './linear/linear.ts';
import { largePages } from './memory/large-pages.ts';
import type { Binding, Team } from './platform/binding.ts';
import { runPass } from './platform/run-pass.ts';

export function createBackend(binding: Binding, team: Team, device: string): AttentionBackend {
  return defineBackend({
    name: 'native',
    device,
    capabilities,
    memory: largePages(binding),
    compile: (problem) => compile(binding, team, problem),
    linear: { weightTypes: STORED_TYPES, compile: (problem) => compileLinear(binding, team, problem) },
  });
}

function compile(binding: Binding, team: Team, problem: AttentionProblem): KernelDefinition {
  const { kernel, blockRows, tileKeys, forwardBytes, gradientBytes } = binding.compile(team, problem);
  return {
    plan: {
      algorithm: 'flash attention: online softmax over tiles',
      tile: { query: blockRows, key: tileKeys },
      scratchBytes: problem.gradient ? Math.max(forwardBytes, gradientBytes) : forwardBytes,
    },
    async run({ value, ...inputs }, { signal }) {
      const results = forwardResults(problem);
      const given = problem.valueFromKey === null ? { ...inputs, value } : { ...inputs };
      await runPass(binding, kernel, false, given, results, signal);
      return asResults(results);
    },
    ...(problem.gradient && {
      async gradient(
        inputs: AttentionInputs<Tensor>,
        { output, statistics, dOutput }: GradientInputs<Tensor>,
        { signal }: RunOptions,
      ): Promise<AttentionGradients<Tensor>> {
        const results = gradientResults(inputs);
        await runPass(binding, kernel, true, { ...inputs, output, ...statistics, dOutput }, results, signal);
        return results as unknown as AttentionGradients<Tensor>;
      },
    }),
  };
}

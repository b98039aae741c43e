import { type AttentionBackend, type BackendProvider, HeedError, checkContract, problemOf } from '@heed/core';
import type { Contestant, PreparedContestant } from '../contestant.ts';
import type { WorkloadRequest } from '../workload.ts';

/**
 * A Heed backend as a contestant. Inputs are plain tensors: what it takes to bring them to the engine is part of a run.
 *
 * @param options.name default: the provider's.
 * @param options.create what the provider's `create` takes.
 * @param options.threads the number of threads that `create` was told to use; default: not stated.
 */
export function backendContestant<Options>(
  provider: BackendProvider<Options>,
  options: { readonly name?: string; readonly create?: Options; readonly threads?: number } = {},
): Contestant {
  return {
    name: options.name ?? provider.name,
    async probe() {
      checkContract(provider);
      return provider.probe();
    },
    async prepare(_workload, request) {
      const backend = await provider.create(options.create);
      try {
        return await prepareOn(backend, request, options.threads ?? null);
      } catch (error) {
        await backend.dispose();
        throw error;
      }
    },
  };
}

async function prepareOn(
  backend: AttentionBackend,
  request: WorkloadRequest,
  threads: number | null,
): Promise<PreparedContestant> {
  const { problem, inputs } = problemOf(request);
  const kernel = await backend.compile(problem);
  return {
    device: backend.device,
    threads,
    async run() {
      const { output } = await kernel.run(inputs);
      if (output === undefined) throw new HeedError('ENGINE', `${backend.name} returned no output`);
      return output;
    },
    dispose: () => backend.dispose(),
  };
}

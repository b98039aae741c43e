import {
  type AttentionBackend,
  type AttentionInputs,
  type AttentionKernel,
  type BackendProvider,
  HeedError,
  type ResidentTensor,
  type Tensor,
  checkContract,
  resolveRequest,
} from '@heed/core';
import { checkOptions, text } from '@heed/core/backend';
import type { Contestant, PreparedContestant, WorkloadResults } from '../contestant.ts';
import { type WorkloadRequest, outputGradientOf } from '../workload/request.ts';
import type { Workload } from '../workload/workload.ts';

/**
 * A Heed backend as a contestant. Like every contestant, it has its inputs in its own memory (resident); the results
 * come back to the JavaScript heap.
 *
 * @param options.name default: the provider's.
 */
export function backendContestant(
  provider: BackendProvider,
  options: { readonly name?: string } = {},
): Contestant {
  checkOptions('backendContestant()', options, { name: text });
  return {
    name: options.name ?? provider.name,
    async probe() {
      checkContract(provider);
      return provider.probe();
    },
    async prepare(workload, request, { threads }) {
      const backend = await createWith(provider, threads);
      try {
        return await prepareOn(backend, workload, request);
      } catch (error) {
        await backend.dispose();
        throw error;
      }
    },
  };
}

/** Creates a backend with this many threads, if threads are among its options. */
async function createWith(provider: BackendProvider, threads: number): Promise<AttentionBackend> {
  try {
    return await provider.create({ threads });
  } catch (error) {
    if (HeedError.isInstance(error) && error.code === 'UNKNOWN_OPTION') return provider.create();
    throw error;
  }
}

async function prepareOn(
  backend: AttentionBackend,
  workload: Workload,
  request: WorkloadRequest,
): Promise<PreparedContestant> {
  const { gradient } = workload;
  const { problem, inputs } = resolveRequest({
    ...request,
    ...(gradient && { gradient, statistics: true }),
  });
  const kernel = await backend.compile(problem);
  const resident = await uploaded(backend, inputs);
  let results: WorkloadResults | null = null;
  const compute = gradient ? forwardAndBackward(kernel, workload) : forward(kernel);
  return {
    device: backend.device,
    threads: threadsIn(backend.device),
    async run() {
      results = await compute(resident);
    },
    results: async () => results!,
    dispose: () => backend.dispose(),
  };
}

/** Uploads the large inputs to where the backend computes. */
async function uploaded(backend: AttentionBackend, inputs: AttentionInputs): Promise<AttentionInputs> {
  const upload = async (value: Tensor | ResidentTensor): Promise<ResidentTensor> =>
    backend.upload(value as Tensor);
  const { query, key, value, mask } = inputs;
  return {
    ...inputs,
    query: await upload(query),
    key: await upload(key),
    value: await upload(value),
    ...(mask && { mask: await upload(mask) }),
  };
}

type Compute = (inputs: AttentionInputs) => Promise<WorkloadResults>;

function forward(kernel: AttentionKernel): Compute {
  return async (inputs) => {
    const { output } = await kernel.run(inputs);
    return { output: output! };
  };
}

function forwardAndBackward(kernel: AttentionKernel, workload: Workload): Compute {
  const dOutput = outputGradientOf(workload);
  return async (inputs) => {
    const { output, statistics } = await kernel.run(inputs);
    const { dQuery, dKey, dValue } = await kernel.gradient(inputs, {
      output: output!,
      statistics: statistics!,
      dOutput,
    });
    return { output: output!, dQuery, dKey, dValue };
  };
}

/** Number of threads in a device description: `one thread`, `wasm simd128, 2 threads`; null if it does not say. */
export function threadsIn(device: string): number | null {
  const [, count] = /(\d+|one) threads?\b/i.exec(device) ?? [];
  return count === undefined ? null : count === 'one' ? 1 : Number(count);
}

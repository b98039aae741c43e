import { checkProblem } from '../check-problem.ts';
import {
  type AttentionBackend,
  type AttentionKernel,
  CONTRACT_VERSION,
  type Capabilities,
  type Support,
} from '../contract.ts';
import { HeedError } from '../error.ts';
import { supportOf } from '../support.ts';
import type { AttentionProblem } from '../problem.ts';
import { type ResidentTensor, type Tensor, checkTensor, plainView } from '../tensor.ts';
import { type PlainTensorLike, toTensor } from '../tensor-like.ts';
import { type KernelDefinition, guardKernel } from './guard-kernel.ts';
import { lifetime } from './lifetime.ts';
import {
  type DeviceMemory,
  type NativeTensor,
  type Owner,
  hostMemory,
  ownResident,
  residentOf,
} from './memory.ts';

/** What an author writes for a backend. */
export interface BackendDefinition<N extends NativeTensor = Tensor> {
  readonly name: string;
  /** What really runs. */
  readonly device: string;
  readonly capabilities: Capabilities;
  /** Refuses what no feature expresses, such as a size limit; asked after the capabilities. */
  limits?(problem: AttentionProblem): Support;
  compile(problem: AttentionProblem): KernelDefinition<N> | Promise<KernelDefinition<N>>;
  /** For an engine with memory of its own. Without it, kernels take and give plain tensors. */
  readonly memory?: DeviceMemory<N>;
  dispose?(): void | Promise<void>;
}

/**
 * Makes a backend of a definition: it checks every problem and input at the edge, refuses what the capabilities do
 * not cover, moves tensors to and from the engine's memory, counts the runs under way, and answers for the life of
 * kernels. What is left to the author is the arithmetic.
 *
 * @example
 * ```ts
 * import { attention, tensor } from '@heed/core';
 * import { defineBackend, zeros } from '@heed/core/backend';
 *
 * const backend = defineBackend({
 *   name: 'zero',
 *   device: 'none at all',
 *   capabilities: { dtypes: ['float32'], features: [], guarantees: [] },
 *   compile: ({ batch, heads, queryLength, valueDim }) => ({
 *     plan: { algorithm: 'forgetting', tile: { query: 1, key: 1 }, scratchBytes: 0 },
 *     run: () => ({ output: zeros('float32', [batch, heads, queryLength, valueDim]) }),
 *   }),
 * });
 * const x = tensor(new Float32Array([1, 2]), [1, 1, 1, 2]);
 * const { output } = await attention(backend, { query: x, key: x, value: x });
 * console.log(output.shape.join()); // 1,1,1,2
 * ```
 */
export function defineBackend<N extends NativeTensor = Tensor>(
  definition: BackendDefinition<N>,
): AttentionBackend {
  const { name, device } = definition;
  const capabilities = Object.freeze({
    dtypes: Object.freeze([...definition.capabilities.dtypes]),
    features: Object.freeze([...definition.capabilities.features]),
    guarantees: Object.freeze([...definition.capabilities.guarantees]),
  });
  const memory = definition.memory ?? (hostMemory as unknown as DeviceMemory<N>);
  const life = lifetime(`backend ${name}`);
  const owner: Owner = { residents: new Set(), life };
  const kernels = new Set<AttentionKernel>();

  const supports = (problem: AttentionProblem): Support => {
    const declared = supportOf(capabilities, problem);
    return declared.supported ? (definition.limits?.(problem) ?? declared) : declared;
  };

  const compile = async (given: AttentionProblem): Promise<AttentionKernel> => {
    const problem = checkProblem(given);
    const support = supports(problem);
    if (!support.supported) {
      throw new HeedError('UNSUPPORTED', `${name}: ${support.clause}: ${support.reason}`, {
        clause: support.clause,
        remedy: 'choose a backend that supports it; firstAvailable(providers, problem) finds one',
      });
    }
    const compiled = await definition.compile(problem);
    const guarded = {
      name,
      problem,
      definition: compiled,
      memory,
      owner,
      compile: (other: AttentionProblem) => definition.compile(other),
    };
    const kernel = guardKernel(guarded, () => kernels.delete(kernel));
    kernels.add(kernel);
    return kernel;
  };

  const upload = async (value: PlainTensorLike): Promise<ReturnType<typeof residentOf<N>>> => {
    const tensor = toTensor('tensor', value, 'any');
    checkTensor('tensor', tensor);
    return residentOf(await memory.upload(plainView(tensor)), memory, owner);
  };

  const wrap = (value: unknown): ReturnType<typeof residentOf<N>> => {
    life.check();
    const native = memory.wrap!(value);
    if (native !== null) return residentOf(native, memory, owner);
    throw new HeedError('ARGUMENT', `${name} cannot wrap this value: it is not a tensor of its engine`, {
      clause: 'resident',
    });
  };

  const unwrap = (resident: ResidentTensor): N => {
    life.check();
    return ownResident<N>(resident, owner).native();
  };

  const backend: AttentionBackend = {
    contract: CONTRACT_VERSION,
    name,
    device,
    capabilities,
    supports,
    compile: (problem) => life.during(() => compile(problem)),
    upload: (tensor) => life.during(() => upload(tensor)) as never,
    ...(memory.wrap && { wrap, unwrap }),
    dispose() {
      // Both end now, or a new use could still begin while those under way settle.
      const ending = [...kernels].map((kernel) => kernel.dispose());
      for (const resident of owner.residents) resident.dispose();
      return life.end(async () => {
        await Promise.all([...ending, ...[...kernels].map((kernel) => kernel.dispose())]);
        for (const resident of owner.residents) resident.dispose();
        await definition.dispose?.();
      });
    },
    [Symbol.asyncDispose]: () => backend.dispose(),
  };
  return backend;
}

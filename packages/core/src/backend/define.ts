import { checkGradientInputs, checkInputs } from '../check-inputs.ts';
import { checkProblem } from '../check-problem.ts';
import {
  type AttentionBackend,
  type AttentionKernel,
  CONTRACT_VERSION,
  type Capabilities,
  type Plan,
  type RunOptions,
  type Support,
} from '../contract.ts';
import { HeedError } from '../error.ts';
import { supportOf } from '../features.ts';
import type { AttentionInputs, GradientInputs } from '../inputs.ts';
import type { AttentionProblem } from '../problem.ts';
import { type ResidentTensor, isResident } from '../resident.ts';
import type { AttentionGradients, AttentionResults } from '../results.ts';
import { type Tensor, checkTensor } from '../tensor.ts';
import { hostResident, isOwnedBy } from './host-resident.ts';

/** What an author writes for one problem. Inputs are checked when it is called. */
export interface KernelDefinition {
  readonly plan: Plan;
  /** Returns every output that the problem names, in memory of its own. */
  run(inputs: AttentionInputs<Tensor>, options: RunOptions): AttentionResults | Promise<AttentionResults>;
  gradient?(
    inputs: AttentionInputs<Tensor>,
    forward: GradientInputs<Tensor>,
    options: RunOptions,
  ): AttentionGradients | Promise<AttentionGradients>;
  dispose?(): void | Promise<void>;
}

/** What an author writes for a backend whose tensors live on the JavaScript heap. */
export interface BackendDefinition {
  readonly name: string;
  /** What really runs. */
  readonly device: string;
  readonly capabilities: Capabilities;
  /** Refuses what no feature expresses, such as a size limit; asked after the capabilities. */
  limits?(problem: AttentionProblem): Support;
  compile(problem: AttentionProblem): KernelDefinition | Promise<KernelDefinition>;
  dispose?(): void | Promise<void>;
}

/**
 * Makes a backend of a definition: it checks every problem and input at the edge, refuses what the capabilities do
 * not cover, keeps resident tensors, counts the runs under way, and answers for the life of kernels. What is left to
 * the author is the arithmetic.
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
 * const x = tensor([1, 1, 1, 2], new Float32Array([1, 2]));
 * const { output } = await attention(backend, { query: x, key: x, value: x });
 * console.log(output.shape.join()); // 1,1,1,2
 * ```
 */
export function defineBackend(definition: BackendDefinition): AttentionBackend {
  const capabilities = Object.freeze({
    dtypes: Object.freeze([...definition.capabilities.dtypes]),
    features: Object.freeze([...definition.capabilities.features]),
    guarantees: Object.freeze([...definition.capabilities.guarantees]),
  });
  const owner = {};
  const life = lifetime(`backend ${definition.name}`);
  const kernels = new Set<AttentionKernel>();

  const supports = (problem: AttentionProblem): Support => {
    const declared = supportOf(capabilities, problem);
    return declared.supported ? (definition.limits?.(problem) ?? declared) : declared;
  };

  const backend: AttentionBackend = {
    contract: CONTRACT_VERSION,
    name: definition.name,
    device: definition.device,
    capabilities,
    supports,
    compile: (given) =>
      life.during(async () => {
        const problem = checkProblem(given);
        const support = supports(problem);
        if (!support.supported) {
          throw new HeedError('UNSUPPORTED', `${definition.name}: ${support.clause}: ${support.reason}`, {
            clause: support.clause,
            remedy: 'choose a backend that supports it; firstAvailable(providers, problem) finds one',
          });
        }
        const kernel = guardKernel(
          problem,
          await definition.compile(problem),
          owner,
          `kernel of ${definition.name}`,
          () => kernels.delete(kernel),
        );
        kernels.add(kernel);
        return kernel;
      }),
    upload: (given) =>
      life.during(async () => {
        checkTensor('tensor', given);
        return hostResident({ ...given, data: given.data.slice() } as Tensor, owner);
      }),
    dispose: () =>
      life.end(async () => {
        await Promise.all([...kernels].map((kernel) => kernel.dispose()));
        await definition.dispose?.();
      }),
    [Symbol.asyncDispose]: () => backend.dispose(),
  };
  return backend;
}

function guardKernel(
  problem: AttentionProblem,
  definition: KernelDefinition,
  owner: object,
  name: string,
  onDispose: () => void,
): AttentionKernel {
  if (problem.gradient && definition.gradient === undefined) {
    throw new HeedError('ENGINE', `the ${name} declares the feature gradient and has no gradient()`, {
      clause: 'gradient',
    });
  }
  const life = lifetime(name);

  const run = (
    inputs: AttentionInputs,
    options: RunOptions & { readonly resident?: boolean } = {},
  ): Promise<never> =>
    life.during(async () => {
      checkInputs(problem, inputs);
      options.signal?.throwIfAborted();
      const results = await allocating(() => definition.run(onHost(inputs, owner), options));
      return (
        options.resident ? mapTensors(results, (value) => hostResident(value, owner)) : results
      ) as never;
    });

  const kernel: AttentionKernel = {
    problem,
    plan: Object.freeze(definition.plan),
    run,
    gradient: (inputs, forward, options = {}) =>
      life.during(async () => {
        checkGradientInputs(problem, forward);
        checkInputs(problem, inputs);
        options.signal?.throwIfAborted();
        return allocating(() => definition.gradient!(onHost(inputs, owner), onHost(forward, owner), options));
      }),
    dispose: () =>
      life.end(async () => {
        onDispose();
        await definition.dispose?.();
      }),
    [Symbol.asyncDispose]: () => kernel.dispose(),
  };
  return kernel;
}

/** Counts what is under way, so that the end waits for it; afterwards everything is refused. */
function lifetime(name: string): {
  during<T>(work: () => Promise<T>): Promise<T>;
  end(cleanUp: () => Promise<void>): Promise<void>;
} {
  const underWay = new Set<Promise<unknown>>();
  let ended: Promise<void> | null = null;
  return {
    async during<T>(work: () => Promise<T>): Promise<T> {
      if (ended !== null) throw new HeedError('DISPOSED', `the ${name} was used after dispose()`);
      const promise = work();
      underWay.add(promise);
      try {
        return await promise;
      } finally {
        underWay.delete(promise);
      }
    },
    end(cleanUp) {
      ended ??= Promise.allSettled(underWay).then(cleanUp);
      return ended;
    },
  };
}

/** The engine's "no such array can be made" in Heed's words. */
async function allocating<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof RangeError && /array|allocat/i.test(error.message)) {
      throw new HeedError('OUT_OF_MEMORY', 'memory for the results could not be had', {
        cause: error,
        remedy: "leave 'weights' out of outputs: they take B · Hq · Lq · Lk numbers",
      });
    }
    throw error;
  }
}

/** Inputs with every resident tensor replaced by the plain one inside it. */
function onHost<I extends object>(inputs: I, owner: object): never {
  return mapTensors(inputs, (value) => {
    if (!isResident(value)) return value;
    if (isOwnedBy(value, owner)) return value.tensor();
    throw new HeedError('FOREIGN_TENSOR', 'a resident tensor belongs to another backend', {
      remedy: 'read() it there and upload() the result here',
    });
  }) as never;
}

/** Applies a function to every tensor of a structure, `statistics` included; numbers stay. */
function mapTensors(structure: object, change: (value: Tensor & ResidentTensor) => unknown): object {
  return Object.fromEntries(
    Object.entries(structure).map(([name, value]) => {
      if (typeof value !== 'object' || value === null) return [name, value];
      return [name, 'shape' in value ? change(value as never) : mapTensors(value as object, change)];
    }),
  );
}

import { checkProblem } from '../check-problem.ts';
import {
  type AttentionBackend,
  type AttentionKernel,
  CONTRACT_VERSION,
  type Capabilities,
  type Support,
} from '../contract.ts';
import { HeedError } from '../error.ts';
import { forgetKernels } from '../kernel-cache.ts';
import { checkLinearProblem } from '../linear/check.ts';
import type { LinearKernel, LinearProblem } from '../linear/contract.ts';
import { isStoredType } from '../linear/stored.ts';
import { isHalf } from '../float16.ts';
import { supportOf } from '../support.ts';
import type { AttentionProblem } from '../problem.ts';
import {
  type DType,
  type PlainTensorLike,
  type ResidentTensor,
  type Tensor,
  checkForm,
  checkTensor,
  plainView,
} from '../tensor.ts';
import { toTensor } from '../tensor-like.ts';
import { type KernelDefinition, guardKernel } from './guard-kernel.ts';
import { type Ending, endWhenCollected, forget } from './collected.ts';
import { type Lifetime, doAll, lifetime } from './lifetime.ts';
import { type LinearDefinition, guardLinear } from './linear/guard.ts';
import { type DeviceMemory, type NativeTensor, allocate, hostMemory } from './memory.ts';
import { type OperationOffer, checkComputes, namesOf, offeredBy } from './operations/offer.ts';
import { type Owner, contentOf, residentOf } from './resident/resident.ts';
import { reading } from './transferred.ts';

/** Refuses small types for an engine that computes neither in them nor with a cache of them. */
function checkHeld(name: string, { dtypes, features }: Capabilities, dtype: DType): void {
  const isSmall = isHalf(dtype) || dtype === 'int8' || dtype === 'int4x2';
  if (!isSmall || (dtypes as readonly DType[]).includes(dtype) || features.includes(`cache.${dtype}`)) return;
  const isFloat = isHalf(dtype);
  throw new HeedError(
    'DTYPE',
    `${name}: the tensor is ${dtype}; expected ${dtypes.join(', ')}, int32 or bool`,
    {
      clause: isFloat ? 'dtype' : 'cache',
      remedy: isFloat
        ? "convert it: cast(tensor, 'float32')"
        : 'dequantize(numbers, scales) makes floats of it',
    },
  );
}

/** Definition of a backend, as its author writes it. */
export interface BackendDefinition<N extends NativeTensor = Tensor> {
  readonly name: string;
  /** The engine and device that actually run. */
  readonly device: string;
  readonly capabilities: Omit<Capabilities, 'operations' | 'weightTypes'>;
  /** Reports limits that no feature expresses, such as a maximum size; called after the check of the capabilities. */
  limits?(problem: AttentionProblem): Support;
  compile(problem: AttentionProblem): KernelDefinition<N> | Promise<KernelDefinition<N>>;
  /** Linear projections, for a backend that offers them: its `capabilities.operations` then has `linear`. */
  readonly linear?: LinearDefinition<N>;
  /** Other operations that the backend offers, from `@heed/core/operations`: `capabilities.operations` then has their names. */
  readonly operations?: readonly OperationOffer<N>[];
  /** For an engine with its own memory. Without it, kernels take and return plain tensors. */
  readonly memory?: DeviceMemory<N>;
  dispose?(): void | Promise<void>;
}

/** A function at the top level: a closure where it is used would keep the backend reachable. */
function compilerOf<N extends NativeTensor>(
  definition: BackendDefinition<N>,
): (problem: AttentionProblem) => KernelDefinition<N> | Promise<KernelDefinition<N>> {
  return (problem) => definition.compile(problem);
}

/** Everything of a backend that must be freed. Does not reference the backend, so that it can be collected. */
class Estate<N extends NativeTensor> implements Ending {
  readonly life: Lifetime;
  readonly kernels = new Set<Ending>();
  readonly leases: Owner['leases'] = new Set();
  readonly told: string | null;
  readonly #definition: BackendDefinition<N>;

  constructor(definition: BackendDefinition<N>) {
    this.#definition = definition;
    this.life = lifetime(`backend ${definition.name}`);
    this.told =
      definition.dispose === undefined
        ? null
        : `a backend of ${definition.name} was dropped without dispose(); its engine was ended late, when it was collected: await backend.dispose() when nothing needs it any more`;
  }

  end(): Promise<void> {
    forget(this);
    // They end now. Otherwise a new use could begin while those in progress settle.
    const ending = this.#endParts();
    // The end of the life waits for it, the first time.
    ending.catch(() => undefined);
    return this.life.end(() =>
      doAll([() => ending, () => this.#endParts(), () => this.#definition.dispose?.()]),
    );
  }

  async #endParts(): Promise<void> {
    const parts: Ending[] = [...this.kernels, ...this.leases];
    const ending = parts.map(async (part) => part.end());
    await Promise.allSettled(ending);
    await Promise.all(ending);
  }
}

/**
 * Makes a backend of a definition: it checks every problem and input at the edge, refuses what the capabilities do
 * not cover, moves tensors to and from the engine's memory, counts the runs in progress, and manages the lifetime of
 * kernels. Only the arithmetic is left to the author.
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
  const { name, device, operations = [] } = definition;
  const capabilities = Object.freeze({
    dtypes: Object.freeze([...definition.capabilities.dtypes]),
    features: Object.freeze([...definition.capabilities.features]),
    guarantees: Object.freeze([...definition.capabilities.guarantees]),
    partGradients: definition.capabilities.partGradients ?? false,
    operations: Object.freeze([
      ...(definition.linear === undefined ? [] : (['linear'] as const)),
      ...(definition.linear?.add === undefined ? [] : (['linear.residual'] as const)),
      ...(definition.linear?.gates ? (['linear.gate'] as const) : []),
      ...(definition.linear?.arguments ? (['linear.argument'] as const) : []),
      ...namesOf(operations),
    ]),
    weightTypes: Object.freeze([...(definition.linear?.weightTypes ?? [])]),
  });
  const memory = definition.memory ?? (hostMemory as unknown as DeviceMemory<N>);
  const estate = new Estate(definition);
  const { life, kernels } = estate;
  // Everything that can use the backend holds it: its methods, kernels and resident tensors.
  const owner: Owner = { life, leases: estate.leases };
  endWhenCollected(owner, estate);

  const supports = (given: AttentionProblem): Support => {
    const problem = checkProblem(given);
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
      capabilities,
      problem,
      definition: compiled,
      memory,
      compile: compilerOf(definition),
    };
    return guardKernel(guarded, owner, kernels);
  };

  const compileLinear = async (given: LinearProblem): Promise<LinearKernel> => {
    const problem = checkLinearProblem(given);
    checkComputes({ name, capabilities }, 'linear', problem.dtype);
    const { weightType } = problem;
    if (isStoredType(weightType) && !capabilities.weightTypes.includes(weightType)) {
      throw new HeedError('UNSUPPORTED', `${name}: linear with weights in ${weightType}`, {
        clause: 'linear',
        remedy:
          'decode the weight to float32, or choose a backend that declares the type in capabilities.weightTypes',
      });
    }
    if (problem.gate && !definition.linear!.gates) {
      throw new HeedError('UNSUPPORTED', `${name}: linear with a gate`, {
        clause: 'linear',
        remedy:
          "choose a backend whose capabilities.operations has 'linear.gate', or multiply the halves yourself",
      });
    }
    if (problem.argument && !definition.linear!.arguments) {
      throw new HeedError('UNSUPPORTED', `${name}: linear with argument`, {
        clause: 'linear',
        remedy: 'compile without argument: gradient() computes it again',
      });
    }
    const compiled = await definition.linear!.compile(problem);
    return guardLinear(
      { name, problem, definition: compiled, memory, add: definition.linear!.add },
      owner,
      kernels,
    );
  };

  const upload = async (value: PlainTensorLike): Promise<ResidentTensor> => {
    const tensor = toTensor('tensor', value, 'any');
    checkTensor('tensor', tensor);
    checkHeld(name, capabilities, tensor.dtype);
    const native = await reading('tensor', tensor, () => memory.upload(plainView(tensor)));
    return residentOf(native, memory, owner);
  };

  const allocated = async (dtype: DType, shape: readonly number[]): Promise<ResidentTensor> => {
    checkForm('the tensor', dtype, shape);
    checkHeld(name, capabilities, dtype);
    return residentOf(await allocate(memory, dtype, [...shape]), memory, owner);
  };

  const wrap = (value: unknown): ResidentTensor => {
    life.check();
    const native = memory.wrap!(value);
    if (native !== null) return residentOf(native, memory, owner);
    throw new HeedError('ARGUMENT', `${name} cannot wrap this value: it is not a tensor of its engine`, {
      clause: 'resident',
      remedy: "give what the engine's own calls return",
    });
  };

  const unwrap = (resident: ResidentTensor): N => {
    life.check();
    return contentOf<N>(resident, owner).native;
  };

  const backend: AttentionBackend = {
    contract: CONTRACT_VERSION,
    name,
    device,
    capabilities,
    supports,
    compile: (problem) => life.during(() => compile(problem)),
    upload: (tensor) => life.during(() => upload(tensor)) as never,
    allocate: (dtype, shape) => life.during(() => allocated(dtype, shape)) as never,
    ...(definition.linear && {
      linear: Object.freeze({
        ...(definition.linear.scalar && { scalar: true }),
        compile: (problem: LinearProblem) => life.during(() => compileLinear(problem)),
      }),
    }),
    ...offeredBy(operations, { name, capabilities, memory, life, owner, kernels }),
    ...(memory.wrap && { wrap, unwrap }),
    dispose() {
      forgetKernels(backend);
      return estate.end();
    },
    [Symbol.asyncDispose]: () => backend.dispose(),
  };
  return backend;
}

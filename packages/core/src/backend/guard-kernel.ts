import { checkGradientInputs, checkInputs } from '../check-inputs.ts';
import type { AttentionKernel, Plan, RunOptions } from '../contract.ts';
import { HeedError } from '../error.ts';
import type { AttentionInputs, GradientInputs } from '../inputs.ts';
import type { AttentionProblem } from '../problem.ts';
import { isResident } from '../resident.ts';
import type { AttentionGradients, AttentionResults } from '../results.ts';
import type { Tensor } from '../tensor.ts';
import { lifetime } from './lifetime.ts';
import {
  type DeviceMemory,
  type NativeTensor,
  type Owner,
  hostMemory,
  nativeOf,
  residentOf,
} from './memory.ts';

/**
 * What an author writes for one problem. Inputs are checked and in the engine's memory when it is called, except
 * `offsets`, `keyLengths` and `queryLengths`, which stay plain. Results are new tensors in the engine's memory.
 */
export interface KernelDefinition<N extends NativeTensor = Tensor> {
  readonly plan: Plan;
  /** Returns every output that the problem names. */
  run(inputs: AttentionInputs<N>, options: RunOptions): AttentionResults<N> | Promise<AttentionResults<N>>;
  gradient?(
    inputs: AttentionInputs<N>,
    forward: GradientInputs<N>,
    options: RunOptions,
  ): AttentionGradients<N> | Promise<AttentionGradients<N>>;
  dispose?(): void | Promise<void>;
}

interface Guarded<N extends NativeTensor> {
  readonly name: string;
  readonly problem: AttentionProblem;
  readonly definition: KernelDefinition<N>;
  readonly memory: DeviceMemory<N>;
  readonly owner: Owner;
}

type GuardOptions = RunOptions & { readonly resident?: boolean };

/** Makes a kernel of its definition: checks, transfers, and a life that ends once. */
export function guardKernel<N extends NativeTensor>(
  guarded: Guarded<N>,
  onDispose: () => void,
): AttentionKernel {
  const { name, problem, definition } = guarded;
  if (problem.gradient && definition.gradient === undefined) {
    throw new HeedError('ENGINE', `${name} declares the feature gradient, its kernel has no gradient()`, {
      clause: 'gradient',
    });
  }
  const life = lifetime(`kernel of ${name}`);

  const run = (inputs: AttentionInputs, options: GuardOptions = {}): Promise<never> =>
    life.during(async () => {
      checkInputs(problem, inputs);
      return onDevice(guarded, options, [inputs], ([native]) => definition.run(native as never, options));
    });

  const gradient = (
    inputs: AttentionInputs,
    forward: GradientInputs,
    options: GuardOptions = {},
  ): Promise<never> =>
    life.during(async () => {
      checkGradientInputs(problem, forward);
      checkInputs(problem, inputs);
      return onDevice(guarded, options, [inputs, forward], ([native, nativeForward]) =>
        definition.gradient!(native as never, nativeForward as never, options),
      );
    });

  const kernel: AttentionKernel = {
    problem,
    plan: Object.freeze({ ...definition.plan }),
    run,
    gradient,
    dispose: () =>
      life.end(async () => {
        onDispose();
        await definition.dispose?.();
      }),
    [Symbol.asyncDispose]: () => kernel.dispose(),
  };
  return kernel;
}

/** Inputs that an engine reads on the host: a few integers that decide which tiles there are. */
const ON_HOST = new Set(['offsets', 'keyLengths', 'queryLengths']);

/** Moves inputs in, works, moves results out, and frees what was made on the way, also when something throws. */
async function onDevice<N extends NativeTensor>(
  { memory, owner }: Guarded<N>,
  options: GuardOptions,
  structures: readonly object[],
  work: (natives: readonly object[]) => object | Promise<object>,
): Promise<never> {
  options.signal?.throwIfAborted();
  const temporary: N[] = [];
  const toNative = async (value: Tensor, name: string): Promise<unknown> => {
    if (isResident(value)) return nativeOf<N>(value, owner);
    if (ON_HOST.has(name) || (memory as unknown) === hostMemory) return value;
    const native = await memory.upload(value);
    temporary.push(native);
    return native;
  };
  try {
    const natives: object[] = [];
    for (const structure of structures) natives.push(await mapTensors(structure, toNative));
    const results = await work(natives);
    const toResident = async (native: N): Promise<unknown> => residentOf(native, memory, owner);
    if (options.resident) return (await mapTensors(results, toResident as never)) as never;
    if ((memory as unknown) === hostMemory) return results as never;
    // All of them before the first download: it may fail.
    await mapTensors(results, async (native) => temporary.push(native as never));
    return (await mapTensors(results, (async (native: N) => memory.download(native)) as never)) as never;
  } catch (error) {
    throw inHeedsWords(error);
  } finally {
    for (const native of temporary) memory.free(native);
  }
}

/** Applies a change to every tensor of a structure, `statistics` included; numbers stay. */
async function mapTensors(
  structure: object,
  change: (value: Tensor, name: string) => Promise<unknown>,
): Promise<object> {
  const mapped: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(structure)) {
    const isStructure = typeof value === 'object' && value !== null;
    if (!isStructure) mapped[name] = value;
    else mapped[name] = 'shape' in value ? await change(value, name) : await mapTensors(value, change);
  }
  return mapped;
}

/** An engine's "no such array can be made" is OUT_OF_MEMORY; anything else stays as it is. */
function inHeedsWords(error: unknown): unknown {
  if (!(error instanceof RangeError && /array|allocat/i.test(error.message))) return error;
  return new HeedError('OUT_OF_MEMORY', 'memory for the results could not be had', {
    cause: error,
    remedy: "leave 'weights' out of outputs: they take B · Hq · Lq · Lk numbers",
  });
}

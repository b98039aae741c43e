import { checkGradientInputs, checkInputs } from '../check-inputs.ts';
import type { AttentionKernel, Plan, RunOptions } from '../contract.ts';
import { HeedError } from '../error.ts';
import type { AttentionInputs, GradientInputs } from '../inputs.ts';
import { checkRunOptions } from '../options/run-options.ts';
import type { AttentionProblem } from '../problem.ts';
import { type Tensor, isResident } from '../tensor.ts';
import type { AttentionGradients, AttentionResults } from '../results.ts';
import { type Ending, endWhenCollected, forget } from './collected.ts';
import { type Lifetime, lifetime } from './lifetime.ts';
import { type DeviceMemory, type NativeTensor, hostMemory } from './memory.ts';
import { type Owner, contentOf, identityOf, residentOf } from './resident/resident.ts';
import type { Hold } from './resident/storage.ts';

/**
 * What an author writes for one problem. Inputs are checked and in the engine's memory when it is called, except
 * `offsets`, `keyLengths`, `keyStarts` and `queryLengths`, which stay plain. Results are new tensors in the engine's memory.
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
  /** How the backend compiles another problem. */
  compile(problem: AttentionProblem): KernelDefinition<N> | Promise<KernelDefinition<N>>;
}

type GuardOptions = RunOptions & { readonly resident?: boolean };

/** A kernel without its handle, so that the handle can be collected: what is left then is to end it. */
class Guard<N extends NativeTensor> implements Ending {
  readonly told = null;
  readonly life: Lifetime;
  readonly statistics: OwnStatistics<N>;
  readonly #definition: KernelDefinition<N>;
  readonly #all: Set<Ending>;

  constructor(guarded: Guarded<N>, all: Set<Ending>) {
    this.life = lifetime(`kernel of ${guarded.name}`);
    this.statistics = new OwnStatistics(guarded);
    this.#definition = guarded.definition;
    this.#all = all;
    all.add(this);
  }

  end(): Promise<void> {
    forget(this);
    return this.life.end(async () => {
      this.#all.delete(this);
      await this.statistics.dispose();
      await this.#definition.dispose?.();
    });
  }
}

/**
 * Makes a kernel of its definition: checks, transfers, and a life that ends once.
 *
 * @param kernels takes it until its end.
 */
export function guardKernel<N extends NativeTensor>(
  guarded: Guarded<N>,
  backend: Owner,
  kernels: Set<Ending>,
): AttentionKernel {
  const { name, problem, definition } = guarded;
  if (problem.gradient && definition.gradient === undefined) {
    throw new HeedError('ENGINE', `${name} declares the feature gradient, its kernel has no gradient()`, {
      clause: 'gradient',
    });
  }
  const guard = new Guard(guarded, kernels);
  const { life, statistics } = guard;
  // Held by the methods, which may be taken off the kernel, and by the runs under way.
  const reachable = { owner: backend };
  endWhenCollected(reachable, guard);

  const run = (inputs: AttentionInputs, options: GuardOptions = {}): Promise<never> =>
    life.during(async () => {
      const { owner } = reachable;
      checkRunOptions('run()', options);
      checkInputs(problem, inputs);
      const results: AttentionResults<Tensor> = await onDevice(
        guarded,
        owner,
        options,
        [inputs],
        ([native]) => definition.run(native as never, options),
      );
      statistics.remember(results);
      return results as never;
    });

  const gradient = (
    inputs: AttentionInputs,
    forward: GradientInputs,
    options: GuardOptions = {},
  ): Promise<never> =>
    life.during(async () => {
      const { owner } = reachable;
      checkRunOptions('gradient()', options);
      checkGradientInputs(problem, forward);
      checkInputs(problem, inputs);
      const isOwn = statistics.areOwn(forward);
      return onDevice(
        guarded,
        owner,
        options,
        [inputs, forward],
        async ([native, nativeForward], temporary) => {
          const own = isOwn ? {} : await statistics.anew(native as never, options, temporary);
          return definition.gradient!(native as never, { ...nativeForward, ...own } as never, options);
        },
      );
    });

  const kernel: AttentionKernel = {
    problem,
    plan: Object.freeze({ ...definition.plan }),
    run,
    gradient,
    dispose: () => guard.end(),
    [Symbol.asyncDispose]: () => kernel.dispose(),
  };
  return kernel;
}

/**
 * The gradient computes each weight as exp(score − rowMax) / rowSum. Scores that were rounded otherwise than its own, by
 * another backend or another way of the same one, would make that wrong by as much as the scores are large. So only
 * statistics that the kernel made itself are taken as they are; for others it runs forward once more.
 */
class OwnStatistics<N extends NativeTensor> {
  readonly #guarded: Guarded<N>;
  readonly #made = new WeakSet<object>();
  #forward: Promise<KernelDefinition<N>> | null = null;

  constructor(guarded: Guarded<N>) {
    this.#guarded = guarded;
  }

  remember({ statistics }: AttentionResults<Tensor>): void {
    if (statistics === undefined) return;
    this.#made.add(identityOf(statistics.rowMax)).add(identityOf(statistics.rowSum));
  }

  areOwn({ statistics }: GradientInputs): boolean {
    return this.#made.has(identityOf(statistics.rowMax)) && this.#made.has(identityOf(statistics.rowSum));
  }

  /** @param temporary takes what is to be freed. */
  async anew(inputs: AttentionInputs<N>, options: RunOptions, temporary: N[]): Promise<AttentionResults<N>> {
    const { compile, problem } = this.#guarded;
    this.#forward ??= Promise.resolve(compile({ ...problem, outputs: ['output', 'statistics'] }));
    const forward = await this.#forward;
    const { output, statistics } = await forward.run(inputs, options);
    temporary.push(output!, statistics!.rowMax, statistics!.rowSum);
    return { output: output!, statistics: statistics! };
  }

  async dispose(): Promise<void> {
    await (await this.#forward)?.dispose?.();
  }
}

/** Inputs that an engine reads on the host: a few integers that decide which tiles there are. */
const ON_HOST = new Set(['offsets', 'keyLengths', 'keyStarts', 'queryLengths']);

/** Moves inputs in, works, moves results out, and frees what was made on the way, also when something throws. */
async function onDevice<N extends NativeTensor>(
  { memory }: Guarded<N>,
  owner: Owner,
  options: GuardOptions,
  structures: readonly object[],
  work: (natives: readonly object[], temporary: N[]) => object | Promise<object>,
): Promise<never> {
  options.signal?.throwIfAborted();
  const temporary: N[] = [];
  const holds = new Map<unknown, Hold<N>>();
  const toNative = async (value: Tensor, name: string): Promise<unknown> => {
    const hold = holds.get(value);
    if (hold !== undefined) return hold.whenWritten();
    if (ON_HOST.has(name) || (memory as unknown) === hostMemory) return value;
    const native = await memory.upload(value);
    temporary.push(native);
    return native;
  };
  try {
    // At once: what is written or disposed from now on is of no matter to this call.
    for (const value of structures.flatMap((structure) => [...tensorsOf(structure)])) {
      if (isResident(value) && !holds.has(value)) holds.set(value, contentOf<N>(value, owner).hold());
    }
    const natives: object[] = [];
    for (const structure of structures) natives.push(await mapTensors(structure, toNative));
    const results = await work(natives, temporary);
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
    for (const hold of holds.values()) hold.release();
  }
}

function* tensorsOf(structure: object): Generator<object> {
  for (const value of Object.values(structure)) {
    if (typeof value !== 'object' || value === null) continue;
    if ('shape' in value) yield value;
    else yield* tensorsOf(value);
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
    remedy: 'do not ask for weights: they take B · Hq · Lq · Lk numbers',
  });
}

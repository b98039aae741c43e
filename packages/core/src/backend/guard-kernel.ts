import { checkGradientInputs, checkInputs } from '../check-inputs.ts';
import type { AttentionKernel, Capabilities, Plan } from '../contract.ts';
import { HeedError } from '../error.ts';
import type { AttentionInputs, GradientInputs } from '../inputs.ts';
import { checkRunOptions } from '../options/run-options.ts';
import type { AttentionProblem } from '../problem.ts';
import type { EngineRunOptions } from '../run-options.ts';
import type { Tensor } from '../tensor.ts';
import type { AttentionGradients, AttentionResults } from '../results.ts';
import { checkPartGradient } from '../support.ts';
import { type Ending, endWhenCollected } from './collected.ts';
import { KernelEnding } from './kernel-ending.ts';
import type { DeviceMemory, NativeTensor } from './memory.ts';
import { onDevice } from './on-device.ts';
import { type Owner, identityOf } from './resident/resident.ts';

/**
 * Kernel of one problem, as its author writes it. At a call, inputs are checked and in the engine's memory, except
 * `offsets`, `blockTable`, `keyLengths`, `keyStarts` and `queryLengths`, which stay plain. Results are new tensors in the engine's memory.
 */
export interface KernelDefinition<N extends NativeTensor = Tensor> {
  /** Copied whenever somebody looks: `lastRun` may be a getter. */
  readonly plan: Plan;
  /** Returns every output that the problem names. */
  run(
    inputs: AttentionInputs<N>,
    options: EngineRunOptions,
  ): AttentionResults<N> | Promise<AttentionResults<N>>;
  gradient?(
    inputs: AttentionInputs<N>,
    forward: GradientInputs<N>,
    options: EngineRunOptions,
  ): AttentionGradients<N> | Promise<AttentionGradients<N>>;
  dispose?(): void | Promise<void>;
}

interface Guarded<N extends NativeTensor> {
  readonly name: string;
  readonly capabilities: Capabilities;
  readonly problem: AttentionProblem;
  readonly definition: KernelDefinition<N>;
  readonly memory: DeviceMemory<N>;
  /** Compiles another problem on the same backend. */
  compile(problem: AttentionProblem): KernelDefinition<N> | Promise<KernelDefinition<N>>;
}

/**
 * Makes a kernel from its definition: checks, transfers, and a lifetime that ends once.
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
    throw new HeedError('ENGINE', `${name} declares the feature gradient; its kernel has no gradient()`, {
      clause: 'gradient',
      remedy: 'implement gradient(), or do not declare the feature',
    });
  }
  const statistics = new OwnStatistics(guarded);
  const guard = new KernelEnding(`kernel of ${guarded.name}`, [statistics, guarded.definition], kernels);
  const { life } = guard;
  // Held by the methods, which may be detached from the kernel, and by the runs in progress.
  const reachable = { owner: backend };
  endWhenCollected(reachable, guard);

  const run = (inputs: AttentionInputs, options: EngineRunOptions = {}): Promise<never> =>
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
    options: EngineRunOptions = {},
  ): Promise<never> =>
    life.during(async () => {
      const { owner } = reachable;
      checkRunOptions('gradient()', options);
      checkGradientInputs(problem, forward);
      checkInputs(problem, inputs);
      if (forward.isPart) checkPartGradient(name, guarded.capabilities, problem);
      const isOwn = statistics.areOwn(forward);
      return onDevice(
        guarded,
        owner,
        options,
        [inputs, forward],
        async ([native, nativeForward], temporary) => {
          const own = isOwn ? {} : await statistics.anew(native as never, options, temporary);
          // The output over all keys is not that of this kernel's forward run.
          const { output } = (forward.isPart ? nativeForward : own) as { readonly output?: N };
          const given = { ...nativeForward, ...own, ...(output && { output }) };
          return definition.gradient!(native as never, given as never, options);
        },
      );
    });

  const kernel: AttentionKernel = {
    problem,
    get plan() {
      return Object.freeze({ ...definition.plan });
    },
    run,
    gradient,
    dispose: () => guard.end(),
    [Symbol.asyncDispose]: () => kernel.dispose(),
  };
  return kernel;
}

/**
 * The gradient computes each weight as exp(score − rowMax) / rowSum. Another backend, or another algorithm of the same
 * one, rounds scores differently, which makes an error in proportion to the scores. So the kernel uses only statistics
 * that it computed itself as they are; for others it runs forward once more.
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

  /** @param temporary collects what must be freed. */
  async anew(
    inputs: AttentionInputs<N>,
    options: EngineRunOptions,
    temporary: N[],
  ): Promise<AttentionResults<N>> {
    const { compile, problem } = this.#guarded;
    this.#forward ??= (async () => compile({ ...problem, outputs: ['output', 'statistics'] }))();
    // A failure is not kept: the next gradient tries again.
    const forward = await this.#forward.catch((error: unknown) => {
      this.#forward = null;
      throw error;
    });
    const { output, statistics } = await forward.run(inputs, options);
    temporary.push(output!, statistics!.rowMax, statistics!.rowSum);
    return { output: output!, statistics: statistics! };
  }

  async dispose(): Promise<void> {
    await (await this.#forward)?.dispose?.();
  }
}

import { HeedError } from '../../error.ts';
import type { Operation } from '../../features.ts';
import { checkRunOptions } from '../../options/run-options.ts';
import type { OperationKernel } from '../../operations/contract.ts';
import type { EngineRunOptions } from '../../run-options.ts';
import type { ComputeDType } from '../../tensor.ts';
import { type Ending, endWhenCollected } from '../collected.ts';
import { KernelEnding } from '../kernel-ending.ts';
import type { DeviceMemory, NativeTensor } from '../memory.ts';
import { onDevice } from '../on-device.ts';
import type { Owner } from '../resident/resident.ts';

/**
 * Kernel of an operation other than `linear`, as its author writes it. At a call, inputs are checked and in the engine's memory.
 *
 * @typeParam Inputs inputs of a run, tensors in the engine's form.
 * @typeParam Forward what the gradient takes besides.
 * @typeParam Gradients the gradients, new tensors.
 * @typeParam Saved the inputs of the run that its gradient takes. Default: all of them.
 */
export interface OperationKernelDefinition<
  N extends NativeTensor,
  Inputs,
  Forward,
  Gradients,
  Saved = Inputs,
> {
  /** Returns the output, a new tensor. */
  run(inputs: Inputs, options: EngineRunOptions): N | Promise<N>;
  /** Present if the problem has `gradient: true`. */
  gradient?(inputs: Saved, forward: Forward, options: EngineRunOptions): Gradients | Promise<Gradients>;
  dispose?(): void | Promise<void>;
}

/** Checks of an operation, each of which returns what it checked. */
export interface OperationChecks {
  readonly problem: (given: never) => object;
  readonly inputs: (problem: never, given: never) => object;
  /** Checks the inputs that the gradient takes. Default: as those of a run. */
  readonly saved?: (problem: never, given: never) => object;
  readonly forward: (problem: never, given: never, inputs: never) => object;
}

/** Problem of any operation, checked. */
export interface CheckedProblem {
  readonly dtype: ComputeDType;
  readonly gradient: boolean;
}

interface Guarded<N extends NativeTensor> {
  readonly name: string;
  readonly problem: CheckedProblem;
  readonly definition: OperationKernelDefinition<N, object, object, object>;
  readonly memory: DeviceMemory<N>;
}

/** Makes a kernel of an operation from its definition: checks, transfers, and a lifetime that ends once. */
export function guardOperation<N extends NativeTensor>(
  clause: Operation,
  { inputs, saved = inputs, forward }: OperationChecks,
  guarded: Guarded<N>,
  backend: Owner,
  kernels: Set<Ending>,
): OperationKernel<object, object, object, object> {
  const { name, problem, definition } = guarded;
  if (problem.gradient && definition.gradient === undefined) {
    throw new HeedError('ENGINE', `${name} offers ${clause}; its kernel has no gradient()`, {
      clause,
      remedy: 'implement gradient()',
    });
  }
  const guard = new KernelEnding(`${clause} kernel of ${name}`, [definition], kernels);
  const { life } = guard;
  // Held by the methods and by the runs in progress.
  const reachable = { owner: backend };
  endWhenCollected(reachable, guard);

  const run = (given: object, options: EngineRunOptions = {}): Promise<never> =>
    life.during(async () => {
      const { owner } = reachable;
      checkRunOptions('run()', options);
      const checked = inputs(problem as never, given as never);
      return onDevice(guarded, owner, options, [checked], async ([natives]) => ({
        output: await definition.run(natives!, options),
      }));
    });

  const gradient = (given: object, others: object, options: EngineRunOptions = {}): Promise<never> =>
    life.during(async () => {
      const { owner } = reachable;
      checkRunOptions('gradient()', options);
      if (!problem.gradient) {
        throw new HeedError('NOT_DIFFERENTIABLE', `the ${clause} kernel was compiled without its gradient`, {
          clause,
          remedy: 'compile it with gradient: true',
        });
      }
      const kept = saved(problem as never, given as never);
      const rest = forward(problem as never, others as never, kept as never);
      return onDevice(guarded, owner, options, [kept, rest], ([natives, another]) =>
        definition.gradient!(natives!, another!, options),
      );
    });

  const kernel: OperationKernel<object, object, object, object> = {
    problem,
    run,
    gradient,
    dispose: () => guard.end(),
    [Symbol.asyncDispose]: () => kernel.dispose(),
  };
  return kernel;
}

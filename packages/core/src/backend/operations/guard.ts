import { HeedError } from '../../error.ts';
import type { Operation } from '../../features.ts';
import { checkRunOptions } from '../../options/run-options.ts';
import type { OperationKernel } from '../../operations/contract.ts';
import type { RunOptions } from '../../run-options.ts';
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
 */
export interface OperationKernelDefinition<N extends NativeTensor, Inputs, Forward, Gradients> {
  /** Returns the output, a new tensor. */
  run(inputs: Inputs, options: RunOptions): N | Promise<N>;
  /** Present if the problem has `gradient: true`. */
  gradient?(inputs: Inputs, forward: Forward, options: RunOptions): Gradients | Promise<Gradients>;
  dispose?(): void | Promise<void>;
}

/** One operation: its checks. */
export interface OperationChecks<Problem, Inputs, Forward> {
  readonly clause: Operation;
  inputs(problem: Required<Problem>, given: Inputs): object;
  forward(problem: Required<Problem>, given: Forward, inputs: object): object;
}

interface Guarded<N extends NativeTensor, Problem> {
  readonly name: string;
  readonly problem: Required<Problem> & { readonly gradient: boolean };
  readonly definition: OperationKernelDefinition<N, never, never, object>;
  readonly memory: DeviceMemory<N>;
}

/** Makes a kernel of an operation from its definition: checks, transfers, and a lifetime that ends once. */
export function guardOperation<N extends NativeTensor, Problem, Inputs, Forward, Gradients>(
  checks: OperationChecks<Problem, Inputs, Forward>,
  guarded: Guarded<N, Problem>,
  backend: Owner,
  kernels: Set<Ending>,
): OperationKernel<Problem, Inputs, Forward, Gradients> {
  const { clause } = checks;
  const { name, problem } = guarded;
  // Its types are those of the operation, whose checks come first.
  const definition = guarded.definition as unknown as OperationKernelDefinition<N, object, object, object>;
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

  const run = (given: Inputs, options: RunOptions & { readonly resident?: boolean } = {}): Promise<never> =>
    life.during(async () => {
      const { owner } = reachable;
      checkRunOptions('run()', options);
      const inputs = checks.inputs(problem, given);
      return onDevice(guarded, owner, options, [inputs], async ([natives]) => ({
        output: await definition.run(natives!, options),
      }));
    });

  const gradient = (
    given: Inputs,
    forward: Forward,
    options: RunOptions & { readonly resident?: boolean } = {},
  ): Promise<never> =>
    life.during(async () => {
      const { owner } = reachable;
      checkRunOptions('gradient()', options);
      if (!problem.gradient) {
        throw new HeedError('NOT_DIFFERENTIABLE', `the ${clause} kernel was compiled without its gradient`, {
          clause,
          remedy: 'compile it with gradient: true',
        });
      }
      const inputs = checks.inputs(problem, given);
      const others = checks.forward(problem, forward, inputs);
      return onDevice(guarded, owner, options, [inputs, others], ([natives, rest]) =>
        definition.gradient!(natives!, rest!, options),
      );
    });

  const kernel: OperationKernel<Problem, Inputs, Forward, Gradients> = {
    problem,
    run,
    gradient,
    dispose: () => guard.end(),
    [Symbol.asyncDispose]: () => kernel.dispose(),
  };
  return kernel;
}

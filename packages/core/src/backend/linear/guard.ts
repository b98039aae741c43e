import type { EngineRunOptions } from '../../run-options.ts';
import { HeedError } from '../../error.ts';
import { checkLinearParameters, checkLinearTensor, unexpected } from '../../linear/check.ts';
import type {
  LinearForward,
  LinearGradients,
  LinearInputs,
  LinearKernel,
  LinearParameters,
  LinearProblem,
  LinearResults,
} from '../../linear/contract.ts';
import { type StoredType, type StoredWeight, isStoredType } from '../../linear/stored.ts';
import { checkOptions } from '../../options/check-options.ts';
import { checkRunOptions } from '../../options/run-options.ts';
import type { Tensor } from '../../tensor.ts';
import { type Ending, endWhenCollected } from '../collected.ts';
import { KernelEnding } from '../kernel-ending.ts';
import type { DeviceMemory, NativeTensor } from '../memory.ts';
import { onDevice } from '../on-device.ts';
import type { Owner } from '../resident/resident.ts';
import { reading } from '../transferred.ts';
import { Packed, PackedStorage } from './packed.ts';

/** Results of a run whose gradient takes the argument of activation and gate. */
export type OutputAndArgument<N> = Required<LinearResults<N>>;

/** Kernel of one linear problem, as its author writes it. At a call, inputs are checked and in the engine's memory. */
export interface LinearKernelDefinition<N extends NativeTensor = Tensor, P extends object = object> {
  /** Copies the parameters into the form that runs read. */
  pack(parameters: LinearParameters<N>): P | Promise<P>;
  /** The same for a weight of one of the declared types, which is plain. Present if the problem's `weightType` is one of them. */
  packStored?(parameters: LinearParameters<N, StoredWeight>): P | Promise<P>;
  /** Frees what `pack` made. */
  free?(weights: P): void;
  /** Returns the output, a new tensor. `residual` is given only where the definition has `add: 'kernel'`. */
  run(input: N, weights: P, options: EngineRunOptions, residual?: N): N | Promise<N>;
  /** The same with the argument of activation and gate, a new tensor too. Present if the problem has `argument: true`. */
  runWithArgument?(
    input: N,
    weights: P,
    options: EngineRunOptions,
    residual?: N,
  ): OutputAndArgument<N> | Promise<OutputAndArgument<N>>;
  /** The activation of an argument, a new tensor, for `withGate`. Default: JavaScript computes it. */
  activate?(argument: N, options: EngineRunOptions): N | Promise<N>;
  /** Present if the problem has `gradient: true`; `argument` is given where it has `argument: true`. */
  gradient?(
    input: N,
    weights: P,
    dOutput: N,
    options: EngineRunOptions,
    dResidual?: N,
    argument?: N,
  ): LinearGradients<N> | Promise<LinearGradients<N>>;
  dispose?(): void | Promise<void>;
}

/** Linear projections of a backend: all of SPEC.md's clause `linear`, in each of its element types. */
export interface LinearDefinition<N extends NativeTensor = Tensor> {
  /** Types of weights that its kernels take besides the element types. Default: none. */
  readonly weightTypes?: readonly StoredType[];
  /** True for kernels without vector instructions or threads. Default false. */
  readonly scalar?: boolean;
  /** True if its kernels take problems with a gate; then `capabilities.operations` has `linear.gate`. Default false. */
  readonly gates?: boolean;
  /** True if its kernels take problems with `argument: true`; then `capabilities.operations` has `linear.argument`. Default false. */
  readonly arguments?: boolean;
  compile(problem: Required<LinearProblem>): LinearKernelDefinition<N> | Promise<LinearKernelDefinition<N>>;
  /**
   * Adds a tensor to a result of `run` or `gradient`, in place; `'kernel'` where kernels add it before they write the result. With it
   * `capabilities.operations` has `linear.residual`. Default: none.
   */
  readonly add?: 'kernel' | ((result: N, other: N, options: EngineRunOptions) => void | Promise<void>);
}

interface Guarded<N extends NativeTensor> {
  readonly name: string;
  readonly problem: Required<LinearProblem>;
  readonly definition: LinearKernelDefinition<N>;
  readonly memory: DeviceMemory<N>;
  readonly add: LinearDefinition<N>['add'];
}

/** The packed weights of a kernel, which end with it. */
class AllPacked {
  readonly all = new Set<Ending>();

  dispose(): void {
    for (const weights of this.all) weights.end();
  }
}

/** Makes a linear kernel from its definition: checks, transfers, packed weights, and a lifetime that ends once. */
export function guardLinear<N extends NativeTensor>(
  guarded: Guarded<N>,
  backend: Owner,
  kernels: Set<Ending>,
): LinearKernel {
  const { name, problem, definition, memory, add } = guarded;
  if (problem.gradient && definition.gradient === undefined) {
    throw new HeedError('ENGINE', `${name} offers linear; its kernel has no gradient()`, {
      clause: 'linear',
      remedy: 'implement gradient()',
    });
  }
  const isStored = isStoredType(problem.weightType);
  if (isStored && definition.packStored === undefined) {
    throw new HeedError(
      'ENGINE',
      `${name} declares weights in ${problem.weightType}; its kernel has no packStored()`,
      { clause: 'linear', remedy: 'implement packStored(), or do not declare the type' },
    );
  }
  const packed = new AllPacked();
  const guard = new KernelEnding(`linear kernel of ${name}`, [packed, definition], kernels);
  const { life } = guard;
  // Held by the methods, by packed weights, and by the runs in progress.
  const reachable = { owner: backend };
  endWhenCollected(reachable, guard);

  const checkInputs = (given: LinearInputs): { input: Tensor; weights: PackedStorage<object> } => {
    checkOptions('inputs', given, { input: true, weights: true, residual: true });
    const input = checkLinearTensor('input', given.input, problem, ['…', problem.inputDim]);
    return { input: input as Tensor, weights: Packed.storageOf(given.weights, reachable) };
  };

  /** A tensor that is added to a result, if there is one. */
  const checkResidual = (residualName: string, given: unknown, shape: readonly number[]): object => {
    if (given === undefined) return {};
    if (add !== undefined) return { residual: checkLinearTensor(residualName, given, problem, shape) };
    throw new HeedError('UNSUPPORTED', `${name}: linear with ${residualName}`, {
      clause: 'linear',
      remedy: "add it yourself, or choose a backend whose capabilities.operations has 'linear.residual'",
    });
  };

  /** Adds a residual to one of some results, unless the kernel has done so. */
  const added = async <R extends object>(
    results: R,
    to: N,
    residual: N | undefined,
    options: EngineRunOptions,
  ): Promise<R> => {
    if (residual === undefined || typeof add !== 'function') return results;
    try {
      await add(to, residual, options);
      return results;
    } catch (error) {
      for (const result of Object.values(results) as (N | undefined)[]) if (result) memory.free(result);
      throw error;
    }
  };

  const checkArgument = (given: unknown, rows: readonly number[]): object => {
    if (!problem.argument && given === undefined) return {};
    if (!problem.argument) throw unexpected('argument', 'linear');
    const width = problem.gate ? 2 * problem.outputDim : problem.outputDim;
    return { argument: checkLinearTensor('argument', given, problem, [...rows, width]) };
  };

  const inKernel = (residual: N | undefined): N | undefined => (add === 'kernel' ? residual : undefined);

  const pack: LinearKernel['pack'] = (given) =>
    life.during(async () => {
      const { owner } = reachable;
      const { weight, bias } = checkLinearParameters(problem, given);
      // Stored weights stay where they are: engines have no tensors of their types.
      const moved = isStored ? { bias } : { weight, bias };
      let storage: PackedStorage<object> | undefined;
      await onDevice(guarded, owner, {}, [moved], async ([native]) => {
        const stored = { ...(native as { bias: N | undefined }), weight: weight as StoredWeight };
        const weights = (await (isStored
          ? reading('weight', stored.weight, () => definition.packStored!(stored))
          : definition.pack(native as LinearParameters<N>))) as object;
        storage = new PackedStorage(weights, () => definition.free?.(weights), packed.all);
        return {};
      });
      return new Packed(storage!, reachable);
    });

  const run = (given: LinearInputs, options: EngineRunOptions = {}): Promise<never> =>
    life.during(async () => {
      const { owner } = reachable;
      checkRunOptions('run()', options);
      const { input, weights } = checkInputs(given);
      const rows = input.shape.slice(0, -1);
      const more = checkResidual('residual', given.residual, [...rows, problem.outputDim]);
      return weights.during((content) =>
        onDevice(guarded, owner, options, [{ input, ...more }], async ([native]) => {
          const natives = native as { input: N; residual?: N };
          const all = [natives.input, content, options, inKernel(natives.residual)] as const;
          const results: LinearResults<N> = problem.argument
            ? await definition.runWithArgument!(...all)
            : { output: await definition.run(...all) };
          return added(results, results.output, natives.residual, options);
        }),
      );
    });

  const gradient = (
    given: LinearInputs,
    forward: LinearForward,
    options: EngineRunOptions = {},
  ): Promise<never> =>
    life.during(async () => {
      const { owner } = reachable;
      checkRunOptions('gradient()', options);
      if (!problem.gradient) {
        throw new HeedError('NOT_DIFFERENTIABLE', 'the linear kernel was compiled without its gradient', {
          clause: 'linear',
          remedy: 'compile it with gradient: true',
        });
      }
      const { input, weights } = checkInputs(given);
      checkOptions('gradient()', forward, { dOutput: true, argument: true, dResidual: true });
      const rows = input.shape.slice(0, -1);
      const dOutput = checkLinearTensor('dOutput', forward.dOutput, problem, [...rows, problem.outputDim]);
      const more = {
        ...checkResidual('dResidual', forward.dResidual, input.shape),
        ...checkArgument(forward.argument, rows),
      };
      return weights.during((content) =>
        onDevice(guarded, owner, options, [{ input, dOutput, ...more }], async ([native]) => {
          const natives = native as { input: N; dOutput: N; residual?: N; argument?: N };
          const { input: x, dOutput: d, residual, argument } = natives;
          const inside = inKernel(residual);
          const gradients = await definition.gradient!(x, content, d, options, inside, argument);
          return added(gradients, gradients.dInput, residual, options);
        }),
      );
    });

  const kernel: LinearKernel = {
    problem,
    pack,
    run,
    gradient,
    dispose: () => guard.end(),
    [Symbol.asyncDispose]: () => kernel.dispose(),
  };
  return kernel;
}

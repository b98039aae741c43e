import { HeedError } from '../../error.ts';
import type { Capabilities } from '../../contract.ts';
import type { Operation } from '../../features.ts';
import { checkNormProblem } from '../../operations/norm/check.ts';
import type { NormOperation, NormProblem } from '../../operations/norm/contract.ts';
import type { ComputeDType } from '../../tensor.ts';
import type { Ending } from '../collected.ts';
import type { Lifetime } from '../lifetime.ts';
import type { DeviceMemory, NativeTensor } from '../memory.ts';
import type { Owner } from '../resident/resident.ts';
import { type OperationChecks, guardOperation } from './guard.ts';
import { NORM_CHECKS, type NormDefinition } from './norm.ts';

/** Operations besides attention and `linear`, as the author of a backend writes them; each is optional. */
export interface OperationDefinitions<N extends NativeTensor> {
  /** Norms of rows: `capabilities.operations` then has `norm`. */
  readonly norm?: NormDefinition<N>;
}

/** The same, as the users of a backend see them. */
interface Operations {
  readonly norm?: NormOperation;
}

const NAMES = ['norm'] as const satisfies readonly (keyof OperationDefinitions<NativeTensor> & Operation)[];

/** Operations that a definition offers, in the order of `OPERATIONS`. */
export function operationsOf<N extends NativeTensor>(definitions: OperationDefinitions<N>): Operation[] {
  return NAMES.filter((name) => definitions[name] !== undefined);
}

/** A backend, as far as its operations need it. */
interface Place<N extends NativeTensor> {
  readonly name: string;
  readonly capabilities: Capabilities;
  readonly memory: DeviceMemory<N>;
  readonly life: Lifetime;
  readonly owner: Owner;
  readonly kernels: Set<Ending>;
}

/** Makes the operations of a backend from their definitions. */
export function offeredBy<N extends NativeTensor>(
  { norm }: OperationDefinitions<N>,
  place: Place<N>,
): Operations {
  return {
    ...(norm && {
      norm: offered<N, NormProblem>(place, NORM_CHECKS, checkNormProblem, (problem) => norm.compile(problem)),
    }),
  };
}

/** @throws HeedError `UNSUPPORTED` for an element type that a backend does not compute in. */
export function checkComputes(
  { name, capabilities: { dtypes } }: Pick<Place<never>, 'name' | 'capabilities'>,
  named: Operation,
  dtype: ComputeDType,
): void {
  if (dtypes.includes(dtype)) return;
  const known = dtypes.join(' and ');
  throw new HeedError('UNSUPPORTED', `${name}: ${named} in ${dtype}; it computes in ${known}`, {
    clause: 'dtype',
    remedy: `convert the tensors to ${known}, or choose a backend that computes in ${dtype}`,
  });
}

function offered<N extends NativeTensor, Problem>(
  place: Place<N>,
  checks: OperationChecks<Problem, never, never>,
  check: (problem: Problem) => Required<Problem>,
  compileOne: (problem: Required<Problem>) => unknown,
): never {
  const { name, memory, life, owner, kernels } = place;
  const compile = (given: Problem): Promise<unknown> =>
    life.during(async () => {
      const problem = check(given) as Required<Problem> & { dtype: ComputeDType; gradient: boolean };
      checkComputes(place, checks.clause, problem.dtype);
      const definition = (await compileOne(problem)) as never;
      return guardOperation({ ...checks }, { name, problem, definition, memory }, owner, kernels);
    });
  return Object.freeze({ compile }) as never;
}

import { HeedError } from '../../error.ts';
import type { AttentionBackend, Capabilities } from '../../contract.ts';
import { OPERATIONS, type Operation } from '../../features.ts';
import type { ComputeDType, Tensor } from '../../tensor.ts';
import type { Ending } from '../collected.ts';
import type { Lifetime } from '../lifetime.ts';
import type { DeviceMemory, NativeTensor } from '../memory.ts';
import type { Owner } from '../resident/resident.ts';
import {
  type CheckedProblem,
  type OperationChecks,
  type OperationKernelDefinition,
  guardOperation,
} from './guard.ts';

/** Names of the operations besides `linear`, which are members of a backend. */
export type OfferedName = Exclude<Operation & keyof AttentionBackend, 'linear'>;

/** An operation besides attention and `linear` that a backend offers; `@heed/core/operations` makes them. */
export interface OperationOffer<N extends NativeTensor = Tensor> {
  readonly name: OfferedName;
  readonly checks: OperationChecks;
  readonly compile: (
    problem: never,
  ) =>
    | OperationKernelDefinition<N, never, never, object>
    | Promise<OperationKernelDefinition<N, never, never, object>>;
}

/** Names of operations, in the order of `OPERATIONS`. */
export function namesOf(offers: readonly { readonly name: Operation }[]): Operation[] {
  return OPERATIONS.filter((name) => offers.some((offer) => offer.name === name));
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

/** Makes the operations of a backend, its members, from their offers. */
export function offeredBy<N extends NativeTensor>(
  offers: readonly OperationOffer<N>[],
  place: Place<N>,
): Pick<AttentionBackend, OfferedName> {
  return Object.fromEntries(offers.map((offer) => [offer.name, offered(offer, place)]));
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

function offered<N extends NativeTensor>(
  { name: clause, checks, compile }: OperationOffer<N>,
  place: Place<N>,
): object {
  const { name, memory, life, owner, kernels } = place;
  return Object.freeze({
    compile: (given: object) =>
      life.during(async () => {
        const problem = checks.problem(given as never) as CheckedProblem;
        checkComputes(place, clause, problem.dtype);
        const definition = (await compile(problem as never)) as never;
        return guardOperation(clause, checks, { name, problem, definition, memory }, owner, kernels);
      }),
  });
}

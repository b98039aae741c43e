import type { NativeTensor } from '../../backend/memory.ts';
import type { OperationKernelDefinition } from '../../backend/operations/guard.ts';
import type { OperationOffer } from '../../backend/operations/offer.ts';
import type { Tensor } from '../../tensor.ts';
import type { Tensors } from '../contract.ts';
import { checkRotaryForward, checkRotaryInputs, checkRotaryProblem, checkRotarySaved } from './check.ts';
import type {
  RotaryForward,
  RotaryGradientNames,
  RotaryInputs,
  RotaryProblem,
  RotaryTables,
} from './contract.ts';

/** Kernel of a rotary embedding, as its author writes it: `run` returns y; `gradient` takes the tables and returns dInput. */
export type RotaryKernelDefinition<N extends NativeTensor = Tensor> = OperationKernelDefinition<
  N,
  RotaryInputs<N>,
  RotaryForward<N>,
  Tensors<RotaryGradientNames, N>,
  RotaryTables<N>
>;

/** Offers rotary embeddings: all of SPEC.md's clause `rotary`, in each of a backend's element types. */
export function offerRotary<N extends NativeTensor = Tensor>(
  compile: (
    problem: Required<RotaryProblem>,
  ) => RotaryKernelDefinition<N> | Promise<RotaryKernelDefinition<N>>,
): OperationOffer<N> {
  const checks = {
    problem: checkRotaryProblem,
    inputs: checkRotaryInputs,
    saved: checkRotarySaved,
    forward: checkRotaryForward,
  };
  return { name: 'rotary', checks, compile };
}

import type { NativeTensor } from '../../backend/memory.ts';
import type { OperationKernelDefinition } from '../../backend/operations/guard.ts';
import type { OperationOffer } from '../../backend/operations/offer.ts';
import type { Tensor } from '../../tensor.ts';
import type { Tensors } from '../contract.ts';
import {
  checkElementDropoutForward,
  checkElementDropoutInputs,
  checkElementDropoutProblem,
  checkElementDropoutSaved,
} from './check.ts';
import type {
  ElementDropoutForward,
  ElementDropoutGradientNames,
  ElementDropoutInputs,
  ElementDropoutProblem,
  ElementDropoutSeed,
} from './contract.ts';

/** Kernel of dropout, as its author writes it: `run` returns y; `gradient` takes seed and stream and returns dInput. */
export type ElementDropoutKernelDefinition<N extends NativeTensor = Tensor> = OperationKernelDefinition<
  N,
  ElementDropoutInputs<N>,
  ElementDropoutForward<N>,
  Tensors<ElementDropoutGradientNames, N>,
  ElementDropoutSeed
>;

/** Offers dropout of elements: all of SPEC.md's clause `elementDropout`, in each of a backend's element types. */
export function offerElementDropout<N extends NativeTensor = Tensor>(
  compile: (
    problem: Required<ElementDropoutProblem>,
  ) => ElementDropoutKernelDefinition<N> | Promise<ElementDropoutKernelDefinition<N>>,
): OperationOffer<N> {
  const checks = {
    problem: checkElementDropoutProblem,
    inputs: checkElementDropoutInputs,
    saved: checkElementDropoutSaved,
    forward: checkElementDropoutForward,
  };
  return { name: 'elementDropout', checks, compile };
}

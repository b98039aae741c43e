import type { NativeTensor } from '../../backend/memory.ts';
import type { OperationKernelDefinition } from '../../backend/operations/guard.ts';
import type { OperationOffer } from '../../backend/operations/offer.ts';
import type { Tensor } from '../../tensor.ts';
import type { Tensors } from '../contract.ts';
import { checkNormForward, checkNormInputs, checkNormProblem } from './check.ts';
import type { NormForward, NormGradientNames, NormInputs, NormProblem } from './contract.ts';

/** Kernel of a norm, as its author writes it: `run` returns y, `gradient` dInput, dWeight, and dBias where there is a bias. */
export type NormKernelDefinition<N extends NativeTensor = Tensor> = OperationKernelDefinition<
  N,
  NormInputs<N>,
  NormForward<N>,
  Tensors<NormGradientNames, N>
>;

/** Offers norms of rows: all of SPEC.md's clause `norm`, in each of a backend's element types. */
export function offerNorm<N extends NativeTensor = Tensor>(
  compile: (problem: Required<NormProblem>) => NormKernelDefinition<N> | Promise<NormKernelDefinition<N>>,
): OperationOffer<N> {
  const checks = { problem: checkNormProblem, inputs: checkNormInputs, forward: checkNormForward };
  return { name: 'norm', checks, compile };
}

import { checkNormForward, checkNormInputs } from '../../operations/norm/check.ts';
import type {
  NormForward,
  NormGradientNames,
  NormInputs,
  NormProblem,
} from '../../operations/norm/contract.ts';
import type { Tensors } from '../../operations/contract.ts';
import type { Tensor } from '../../tensor.ts';
import type { NativeTensor } from '../memory.ts';
import type { OperationChecks, OperationKernelDefinition } from './guard.ts';

/** Kernel of a norm, as its author writes it: `run` returns y, `gradient` dInput, dWeight, and dBias where there is a bias. */
export type NormKernelDefinition<N extends NativeTensor = Tensor> = OperationKernelDefinition<
  N,
  NormInputs<N>,
  NormForward<N>,
  Tensors<NormGradientNames, N>
>;

/** Norms of a backend: all of SPEC.md's clause `norm`, in each of its element types. */
export interface NormDefinition<N extends NativeTensor = Tensor> {
  compile(problem: Required<NormProblem>): NormKernelDefinition<N> | Promise<NormKernelDefinition<N>>;
}

export const NORM_CHECKS: OperationChecks<NormProblem, NormInputs, NormForward> = {
  clause: 'norm',
  inputs: checkNormInputs,
  forward: (problem, given, inputs) => checkNormForward(problem, given, inputs as never),
};

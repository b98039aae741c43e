import type { NativeTensor } from '../../backend/memory.ts';
import type { OperationKernelDefinition } from '../../backend/operations/guard.ts';
import type { OperationOffer } from '../../backend/operations/offer.ts';
import type { Tensor } from '../../tensor.ts';
import type { Tensors } from '../contract.ts';
import {
  checkEmbeddingForward,
  checkEmbeddingInputs,
  checkEmbeddingProblem,
  checkEmbeddingSaved,
} from './check.ts';
import type {
  EmbeddingForward,
  EmbeddingGradientNames,
  EmbeddingIndices,
  EmbeddingInputs,
  EmbeddingProblem,
} from './contract.ts';

/** Kernel of an embedding, as its author writes it; its indices are plain. `run` returns y, `gradient` dWeight. */
export type EmbeddingKernelDefinition<N extends NativeTensor = Tensor> = OperationKernelDefinition<
  N,
  EmbeddingInputs<N, Tensor<'int32'>>,
  EmbeddingForward<N>,
  Tensors<EmbeddingGradientNames, N>,
  EmbeddingIndices<Tensor<'int32'>>
>;

/** Offers rows of a weight: all of SPEC.md's clause `embedding`, in each of a backend's element types. */
export function offerEmbedding<N extends NativeTensor = Tensor>(
  compile: (
    problem: Required<EmbeddingProblem>,
  ) => EmbeddingKernelDefinition<N> | Promise<EmbeddingKernelDefinition<N>>,
): OperationOffer<N> {
  const checks = {
    problem: checkEmbeddingProblem,
    inputs: checkEmbeddingInputs,
    saved: checkEmbeddingSaved,
    forward: checkEmbeddingForward,
  };
  return { name: 'embedding', checks, compile };
}

import type { OperationOffer } from '../backend/operations/offer.ts';
import { cast } from '../float16.ts';
import { offerElementDropout } from '../operations/element-dropout/offer.ts';
import { offerEmbedding } from '../operations/embedding/offer.ts';
import { offerNorm } from '../operations/norm/offer.ts';
import { offerRotary } from '../operations/rotary/offer.ts';
import { referenceElementDropout } from './element-dropout.ts';
import { referenceEmbedding, referenceEmbeddingGradient } from './embedding.ts';
import { referenceNorm, referenceNormGradient } from './norm.ts';
import { referenceRotary } from './rotary.ts';

/** The operations besides `linear` of the reference, rounded once. */
export const referenceOperations: readonly OperationOffer[] = [
  offerNorm((problem) => ({
    run: (inputs) => cast(referenceNorm(problem, inputs), problem.dtype),
    gradient(inputs, forward) {
      const { dInput, dWeight, dBias } = referenceNormGradient(problem, inputs, forward);
      return {
        dInput: cast(dInput, problem.dtype),
        dWeight: cast(dWeight, problem.dtype),
        ...(dBias && { dBias: cast(dBias, problem.dtype) }),
      };
    },
  })),
  offerRotary((problem) => ({
    run: (inputs) => cast(referenceRotary(problem, inputs), problem.dtype),
    gradient: (tables, { dOutput }) => ({
      dInput: cast(referenceRotary(problem, { ...tables, input: dOutput }, -1), problem.dtype),
    }),
  })),
  offerEmbedding((problem) => ({
    run: (inputs) => cast(referenceEmbedding(problem, inputs), problem.dtype),
    gradient: ({ indices }, { dOutput }) => ({
      dWeight: cast(referenceEmbeddingGradient(problem, indices, dOutput), problem.dtype),
    }),
  })),
  offerElementDropout((problem) => ({
    run: (inputs) => cast(referenceElementDropout(problem, inputs), problem.dtype),
    gradient: (seed, { dOutput }) => ({
      dInput: cast(referenceElementDropout(problem, { ...seed, input: dOutput }), problem.dtype),
    }),
  })),
];

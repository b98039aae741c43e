import type { AttentionProblem, Plan } from '@heed/core';
import { type ForwardLayout, gradientLayout } from './layout.ts';

/** Plan of a kernel. If there is a gradient, the scratch is the gradient's, which needs more. */
export function planOf(problem: AttentionProblem, layout: ForwardLayout): Plan {
  return {
    algorithm: 'flash attention: online softmax over tiles of float64',
    tile: { query: layout.rows, key: layout.keys },
    scratchBytes: 8 * (problem.gradient ? gradientScratch(problem) : layout.length),
  };
}

/** The heap, and the float64 sums of `gradient-results.ts`. */
function gradientScratch(problem: AttentionProblem): number {
  const { keyLength, headDim, valueDim, bias } = problem;
  const biasSums = bias === null ? 0 : bias.shape.reduce((size, length) => size * length, 1);
  return gradientLayout(problem).length + keyLength * (headDim + valueDim) + biasSums;
}

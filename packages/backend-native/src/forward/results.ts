import type { AttentionProblem, AttentionResults, Tensor } from '@heed/core';
import { computeDType, zeros } from '@heed/core/backend';

/** Tensors by the names that the native file has for them. */
export type Tensors = Readonly<Record<string, Tensor>>;

/** Makes the results of a forward run. */
export function forwardResults(problem: AttentionProblem): Tensors {
  const { batch, heads, queryLength, keyLength, valueDim, layout, dtype, outputs } = problem;
  const scores = computeDType(dtype);
  const rows = [batch, heads, queryLength];
  const outputShape = layout === 'bhld' ? [...rows, valueDim] : [batch, queryLength, heads, valueDim];
  return {
    ...(outputs.includes('output') && { output: zeros(dtype, outputShape) }),
    ...(outputs.includes('weights') && { weights: zeros(dtype, [...rows, keyLength]) }),
    ...(outputs.includes('logSumExp') && { logSumExp: zeros(scores, rows) }),
    ...(outputs.includes('statistics') && { rowMax: zeros(scores, rows), rowSum: zeros(scores, rows) }),
    ...(outputs.includes('choice') && { choice: zeros('int32', rows) }),
  };
}

/** Renames results as in the contract. */
export function asResults({ rowMax, rowSum, ...others }: Tensors): AttentionResults<Tensor> {
  return {
    ...others,
    ...(rowMax && { statistics: { rowMax, rowSum: rowSum! } }),
  } as AttentionResults<Tensor>;
}

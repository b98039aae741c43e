import type { AttentionProblem, AttentionResults, Tensor } from '@heed/core';
import { computeDType } from '@heed/core/backend';
import type { Memory } from '../memory/memory.ts';

/** Tensors by the names that the native file has for them. */
export type Tensors = Readonly<Record<string, Tensor>>;

/** Makes the results of a forward run, which writes all of them. */
export function forwardResults(memory: Memory, problem: AttentionProblem): Tensors {
  const { batch, heads, queryLength, keyLength, valueDim, layout, dtype, outputs } = problem;
  const scores = computeDType(dtype);
  const rows = [batch, heads, queryLength];
  const outputShape = layout === 'bhld' ? [...rows, valueDim] : [batch, queryLength, heads, valueDim];
  return {
    ...(outputs.includes('output') && { output: memory.result(dtype, outputShape) }),
    ...(outputs.includes('weights') && { weights: memory.result(dtype, [...rows, keyLength]) }),
    ...(outputs.includes('logSumExp') && { logSumExp: memory.result(scores, rows) }),
    ...(outputs.includes('statistics') && {
      rowMax: memory.result(scores, rows),
      rowSum: memory.result(scores, rows),
    }),
    ...(outputs.includes('choice') && { choice: memory.result('int32', rows) }),
  };
}

/** Renames results as in the contract. */
export function asResults({ rowMax, rowSum, ...others }: Tensors): AttentionResults<Tensor> {
  return {
    ...others,
    ...(rowMax && { statistics: { rowMax, rowSum: rowSum! } }),
  } as AttentionResults<Tensor>;
}

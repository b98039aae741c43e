import {
  type AttentionPart,
  type AttentionProblem,
  type AttentionResults,
  type Statistics,
  type Tensor,
  mergeAttention,
} from '@heed/core';
import { zeros } from '@heed/core/backend';
import type { KeyPart } from '../plan/parts.ts';

/** Results of one part of the keys. */
export type PartResults = Omit<AttentionPart, 'start'>;

/** Joins the results of parts in the order of their positions, no matter which worker computed them and when. */
export function mergeForward(
  problem: AttentionProblem,
  parts: readonly KeyPart[],
  results: readonly PartResults[],
): AttentionResults {
  const merged = mergeAttention(
    results.map((part, index) => ({ ...part, start: parts[index]!.start })),
    { layout: problem.layout },
  );
  const all: AttentionResults = { ...merged, logSumExp: logSumExpOf(merged.statistics) };
  return Object.fromEntries(problem.outputs.map((name) => [name, all[name]]));
}

function logSumExpOf({ rowMax, rowSum }: Statistics): Tensor {
  const result = zeros(rowMax.dtype, rowMax.shape);
  result.data.set(
    Array.from(rowSum.data, (sum, row) => (sum === 0 ? -Infinity : rowMax.data[row]! + Math.log(sum))),
  );
  return result;
}

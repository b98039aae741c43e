import type { AttentionProblem } from '@heed/core';
import type { CaseRequest } from '../case-request.ts';

/**
 * The shape of everything that a call can return, by the names of expected values. Names that the problem has no
 * value for are not there.
 */
export function expectedShapes(
  problem: AttentionProblem,
  request: CaseRequest,
): Record<string, readonly number[]> {
  const { batch, heads, queryLength, keyLength, valueDim, layout } = problem;
  const row = [batch, heads, queryLength];
  return {
    output: layout === 'bhld' ? [...row, valueDim] : [batch, queryLength, heads, valueDim],
    weights: [...row, keyLength],
    logSumExp: row,
    rowMax: row,
    rowSum: row,
    ...(problem.selection !== 'softmax' && { choice: row }),
    ...(problem.selection === 'softmax' && {
      dQuery: request.query.shape,
      dKey: request.key.shape,
      ...(request.valueFromKey ? {} : { dValue: request.value.shape }),
      ...(request.bias && { dBias: request.bias.shape }),
      ...(request.sinks && { dSinks: request.sinks.shape }),
    }),
  };
}

import { type AttentionResults, type Tensor, resolveRequest } from '@heed/core';
import type { CaseRequest } from '../../case-request.ts';
import { expectationOf } from '../../judge/expectation.ts';
import { judgeResults } from '../../judge/judge.ts';
import type { PlainInputs } from '../../judge/naive-scores.ts';
import { ensure } from './behavior.ts';

/** Checks, inside a behavior, that results agree with the reference. The request must have plain tensors. */
export function ensureAgrees(request: CaseRequest, results: AttentionResults<Tensor>, what: string): void {
  const { problem, inputs } = resolveRequest(request);
  const faults = judgeResults(expectationOf(problem, inputs as PlainInputs), results).flatMap(
    ({ fault }) => fault ?? [],
  );
  ensure(faults.length === 0, `${what}: ${faults.join('; ')}`);
}

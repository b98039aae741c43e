import { type Tensor, resolveRequest } from '@heed/core';
import { referenceForward, referenceGradient } from '@heed/core/reference';
import type { AgreementCase } from '../case.ts';
import type { PlainInputs } from '../judge/naive-scores.ts';

/** Results of the float64 reference for a case, by the names of expected values. */
export function referenceValues({ request, dOutput }: AgreementCase): Record<string, Tensor> {
  const { problem, inputs } = resolveRequest(request());
  const results = referenceForward(problem, inputs as PlainInputs);
  const forward = problem.outputs.map((name) =>
    name === 'statistics' ? { ...results.statistics } : { [name]: results[name] },
  );
  const gradients =
    problem.gradient && dOutput && referenceGradient(problem, inputs as PlainInputs, dOutput());
  return Object.assign({}, ...forward, gradients || {}) as Record<string, Tensor>;
}

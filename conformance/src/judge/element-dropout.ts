import type { ElementDropoutInputs, ElementDropoutProblem, Tensor } from '@heed/core';
import { zeros } from '@heed/core/backend';
import { referenceElementDropout } from '@heed/core/reference';
import { arithmeticsFor } from './arithmetic.ts';
import { expectedOf, faultOf } from './tensor-fault.ts';

/** Error in dropped elements; null if there is none. */
export function elementDropoutFault(
  problem: Required<ElementDropoutProblem>,
  inputs: ElementDropoutInputs<Tensor>,
  actual: Tensor,
  name = 'output',
): string | null {
  const { dtype, probability } = problem;
  const reference = referenceElementDropout(problem, inputs);
  const { input, residual, ...seed } = inputs;
  const alone = referenceElementDropout(problem, { input, ...seed });
  const past = (n: number): number => residual?.data[n] ?? 0;
  const wrong = alone.data.findIndex((x, n) => (x === 0) !== (actual.data[n] === past(n)));
  if (wrong !== -1)
    return `${name}: element ${wrong} is ${actual.data[wrong]}; it must be ${alone.data[wrong] === 0 ? 'dropped' : 'kept'}`;
  const ways = arithmeticsFor(dtype, reference.data.length).map(({ round }) => () => {
    const naive = zeros(dtype, input.shape);
    const factor = round(1 / round(1 - probability));
    alone.data.forEach((x, n) => {
      const kept = x === 0 ? 0 : round(input.data[n]! * factor);
      naive.data[n] = round(kept + past(n));
    });
    return naive;
  });
  return faultOf(name, actual, expectedOf(reference, ways, dtype), dtype);
}

import type { LinearGradients, LinearParameters, LinearProblem, Tensor } from '@heed/core';
import { CURVES, linearGradientBy, sizeOf, zeros } from '@heed/core/backend';
import { referenceLinear, referenceLinearGradient } from '@heed/core/reference';
import { type Arithmetic, arithmeticsFor, eachTerm } from './arithmetic.ts';
import { PRECISIONS } from './precision.ts';

type Problem = Required<LinearProblem>;
type Parameters = LinearParameters<Tensor>;

/** The naive computation: one loop for each sum, every operation rounded. */
function naive(problem: Problem, { weight, bias }: Parameters, x: Tensor, arithmetic: Arithmetic): Tensor {
  const { round } = arithmetic;
  const [outputs, inputs] = weight.shape as [number, number];
  const rows = sizeOf(x.shape.slice(0, -1));
  const output = zeros(problem.dtype, [...x.shape.slice(0, -1), outputs]);
  for (let row = 0; row < rows; row++) {
    for (let n = 0; n < outputs; n++) {
      let sum = 0;
      eachTerm(inputs, arithmetic, (k) => {
        sum = round(sum + round(x.data[row * inputs + k]! * weight.data[n * inputs + k]!));
      });
      if (bias !== undefined) sum = round(sum + bias.data[n]!);
      output.data[row * outputs + n] = round(
        problem.activation === null ? sum : CURVES[problem.activation].at(sum),
      );
    }
  }
  return output;
}

function largestDifference(a: Tensor, b: Tensor): number {
  let largest = 0;
  // A maximum would not see a difference of NaN.
  a.data.forEach((value, n) => {
    const difference = Math.abs(value - b.data[n]!);
    if (!(difference <= largest)) largest = Number.isNaN(difference) ? Infinity : difference;
  });
  return largest;
}

/** Error of a tensor by the clause `accuracy`; null if there is none. */
function faultOf(
  name: string,
  actual: Tensor,
  reference: Tensor,
  naives: readonly Tensor[],
  dtype: Problem['dtype'],
): string | null {
  if (actual?.dtype !== dtype || actual.shape.join() !== reference.shape.join()) {
    return `${name} is ${actual?.dtype} [${actual?.shape.join(', ')}], expected ${dtype} [${reference.shape.join(', ')}]`;
  }
  const { naiveFactor, floor } = PRECISIONS[dtype];
  const largest = Math.max(1, largestDifference(reference, zeros('float64', reference.shape)));
  const naiveError = Math.max(...naives.map((tensor) => largestDifference(tensor, reference)));
  const bound = naiveFactor * naiveError + floor * largest;
  const error = largestDifference(actual, reference);
  return error <= bound
    ? null
    : `${name} is off by ${error.toExponential(2)}, allowed are ${bound.toExponential(2)}`;
}

/** Error in the output of a projection; null if there is none. */
export function linearFault(
  problem: Problem,
  parameters: Parameters,
  input: Tensor,
  actual: Tensor,
): string | null {
  const reference = referenceLinear(problem, parameters, input);
  const naives = arithmeticsFor(problem.dtype, reference.data.length).map((arithmetic) =>
    naive(problem, parameters, input, arithmetic),
  );
  return faultOf('output', actual, reference, naives, problem.dtype);
}

/** Error in the gradients of a projection; null if there is none. */
export async function linearGradientFault(
  problem: Problem,
  parameters: Parameters,
  input: Tensor,
  dOutput: Tensor,
  actual: LinearGradients<Tensor>,
): Promise<string | null> {
  const reference = await referenceLinearGradient(problem, parameters, input, dOutput);
  const plain: Problem = { ...problem, activation: null };
  const naives = await Promise.all(
    arithmeticsFor(problem.dtype, dOutput.data.length).map((arithmetic) =>
      linearGradientBy(problem, parameters, input, dOutput, (x, weight) =>
        naive(plain, { weight }, x, arithmetic),
      ),
    ),
  );
  const names = ['dInput', 'dWeight', ...(problem.bias ? (['dBias'] as const) : [])] as const;
  const faults = names.map((name) =>
    faultOf(
      name,
      actual[name]!,
      reference[name]!,
      naives.map((gradients) => gradients[name]!),
      problem.dtype,
    ),
  );
  return faults.find((fault) => fault !== null) ?? null;
}

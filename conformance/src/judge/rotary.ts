import type { RotaryInputs, RotaryProblem, Tensor } from '@heed/core';
import { zeros } from '@heed/core/backend';
import { referenceRotary } from '@heed/core/reference';
import { type Arithmetic, arithmeticsFor } from './arithmetic.ts';
import { expectedOf, faultOf } from './tensor-fault.ts';

type Problem = Required<RotaryProblem>;

/** Pair by pair, every operation rounded. */
function naive(
  { dtype, headDim, rotaryDim, interleaved }: Problem,
  { input, cosines, sines }: RotaryInputs<Tensor>,
  sign: 1 | -1,
  { round }: Arithmetic,
): Tensor {
  const [, length, heads] = input.shape as [number, number, number];
  const output = zeros(dtype, input.shape);
  output.data.set(input.data as never);
  const angles = rotaryDim / 2;
  for (let head = 0; head * headDim < input.data.length; head++) {
    const place = Math.floor(head / heads);
    const row = cosines.shape.length === 3 ? place : place % length;
    for (let n = 0; n < angles; n++) {
      const a = head * headDim + (interleaved ? 2 * n : n);
      const b = a + (interleaved ? 1 : angles);
      const [x, y] = [input.data[a]!, input.data[b]!];
      const [c, s] = [cosines.data[row * angles + n]!, sign * sines.data[row * angles + n]!];
      output.data[a] = round(round(x * c) - round(y * s));
      output.data[b] = round(round(x * s) + round(y * c));
    }
  }
  return output;
}

/**
 * Error in rotated heads; null if there is none.
 *
 * @param sign −1 for the gradient of what stands in place of the input.
 */
export function rotaryFault(
  problem: Problem,
  inputs: RotaryInputs<Tensor>,
  actual: Tensor,
  sign: 1 | -1 = 1,
): string | null {
  const ways = arithmeticsFor(problem.dtype, inputs.input.data.length).map(
    (arithmetic) => () => naive(problem, inputs, sign, arithmetic),
  );
  const expected = expectedOf(referenceRotary(problem, inputs, sign), ways, problem.dtype);
  return faultOf(sign === 1 ? 'output' : 'dInput', actual, expected, problem.dtype);
}

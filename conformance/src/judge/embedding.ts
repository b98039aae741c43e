import type { EmbeddingProblem, Tensor } from '@heed/core';
import { zeros } from '@heed/core/backend';
import { referenceEmbedding, referenceEmbeddingGradient } from '@heed/core/reference';
import { type Arithmetic, arithmeticsFor, eachTerm } from './arithmetic.ts';
import { expectedOf, faultOf } from './tensor-fault.ts';

type Problem = Required<EmbeddingProblem>;
type Indices = Tensor<'int32'>;

/** Difference of a row from the one that its index names, bit by bit; null if there is none. */
export function embeddingFault(
  problem: Problem,
  inputs: { readonly indices: Indices; readonly weight: Tensor },
  actual: Tensor,
): string | null {
  const { width, dtype } = problem;
  const expected = referenceEmbedding(problem, inputs);
  const { shape, data } = actual;
  if (actual.dtype !== dtype || shape.join() !== expected.shape.join())
    return `output is ${actual.dtype} [${shape.join(', ')}]; expected ${dtype} [${expected.shape.join(', ')}]`;
  const at = data.findIndex((number, n) => !Object.is(number, expected.data[n]));
  if (at === -1) return null;
  const place = Math.floor(at / width);
  return `element ${at % width} of the row at place ${place}, index ${inputs.indices.data[place]}, is ${data[at]}; expected ${expected.data[at]}`;
}

/** One loop over the places for each sum, every addition rounded. */
function naive(
  { count, width, dtype }: Problem,
  { data }: Indices,
  dOutput: Tensor,
  arithmetic: Arithmetic,
): Tensor {
  const dWeight = zeros(dtype, [count, width]);
  eachTerm(data.length, arithmetic, (place) => {
    const index = data[place]!;
    if (index === -1) return;
    for (let e = 0; e < width; e++) {
      const sum = dWeight.data[index * width + e]! + dOutput.data[place * width + e]!;
      dWeight.data[index * width + e] = arithmetic.round(sum);
    }
  });
  return dWeight;
}

/** Error in the gradient of a weight; null if there is none. */
export function embeddingGradientFault(
  problem: Problem,
  indices: Indices,
  dOutput: Tensor,
  actual: Tensor,
): string | null {
  const ways = arithmeticsFor(problem.dtype, problem.count * problem.width).map(
    (arithmetic) => () => naive(problem, indices, dOutput, arithmetic),
  );
  const reference = referenceEmbeddingGradient(problem, indices, dOutput);
  return faultOf('dWeight', actual, expectedOf(reference, ways, problem.dtype), problem.dtype);
}

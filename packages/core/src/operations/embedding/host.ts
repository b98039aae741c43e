import { type ComputeDType, type Tensor, zeros } from '../../tensor.ts';
import type { EmbeddingForward, EmbeddingIndices, EmbeddingInputs } from './contract.ts';

type Data = Float64Array;
type Indices = EmbeddingIndices<Tensor<'int32'>>;

/**
 * Rows of a weight: for engines of the host.
 *
 * @param output filled with the result.
 * @returns `[…, E]`.
 */
export function embedHere(
  { indices, weight }: EmbeddingInputs<Tensor, Tensor<'int32'>>,
  output: Tensor = zeros(weight.dtype as ComputeDType, [...indices.shape, weight.shape[1]!]),
): Tensor {
  const width = weight.shape[1]!;
  const [from, to] = [weight.data as Data, output.data as Data];
  indices.data.forEach((index, place) => {
    if (index === -1) to.fill(0, place * width, (place + 1) * width);
    else to.set(from.subarray(index * width, (index + 1) * width), place * width);
  });
  return output;
}

/**
 * The gradient of {@link embedHere}: sums over the places of each row, in their order, in float64, rounded once.
 *
 * @param dWeight `[N, E]`, filled with the result.
 */
export function embedGradientHere(
  { indices }: Indices,
  { dOutput }: EmbeddingForward<Tensor>,
  dWeight: Tensor,
): Tensor {
  const [count, width] = dWeight.shape as [number, number];
  const [from, to] = [dOutput.data as Data, dWeight.data as Data];
  to.fill(0);
  // Lists of the places of each row: sums in float64 need a row of memory, not a weight.
  const first = new Int32Array(count).fill(-1);
  const next = new Int32Array(indices.data.length);
  for (let place = indices.data.length - 1; place >= 0; place--) {
    const index = indices.data[place]!;
    if (index === -1) continue;
    next[place] = first[index]!;
    first[index] = place;
  }
  const sums = new Float64Array(width);
  for (let row = 0; row < count; row++) {
    let place = first[row]!;
    if (place === -1) continue;
    sums.fill(0);
    for (; place !== -1; place = next[place]!)
      for (let e = 0; e < width; e++) sums[e]! += from[place * width + e]!;
    to.set(sums, row * width);
  }
  return dWeight;
}

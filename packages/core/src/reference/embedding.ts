import type { EmbeddingInputs, EmbeddingProblem } from '../operations/embedding/contract.ts';
import { type Tensor, zeros } from '../tensor.ts';

type Indices = Tensor<'int32'>;

/**
 * A row of the weight for each index, zeros for −1.
 *
 * @returns float64 `[…, E]`.
 */
export function referenceEmbedding(
  { width }: Required<EmbeddingProblem>,
  { indices, weight }: EmbeddingInputs<Tensor, Indices>,
): Tensor {
  const output = zeros('float64', [...indices.shape, width]);
  indices.data.forEach((index, place) => {
    for (let e = 0; e < width; e++)
      output.data[place * width + e] = index === -1 ? 0 : weight.data[index * width + e]!;
  });
  return output;
}

/** The gradient of the weight of {@link referenceEmbedding}: each row of dOutput is added to that of its index, in float64. */
export function referenceEmbeddingGradient(
  { count, width }: Required<EmbeddingProblem>,
  { data }: Indices,
  dOutput: Tensor,
): Tensor {
  const dWeight = zeros('float64', [count, width]);
  data.forEach((index, place) => {
    if (index === -1) return;
    for (let e = 0; e < width; e++) dWeight.data[index * width + e]! += dOutput.data[place * width + e]!;
  });
  return dWeight;
}

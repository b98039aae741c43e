import type { AttentionInputs, AttentionProblem, Tensor } from '@heed/core';
import { zeros } from '@heed/core/backend';

/** softmax(scale · Q Kᵀ) V, for query, key and value of the shape [B, H, L, D]. Replace it with your engine. */
export function forward(problem: AttentionProblem, inputs: AttentionInputs<Tensor>): Tensor {
  const { batch, heads, queryLength, keyLength, headDim } = problem;
  const { query, key, value } = inputs;
  const output = zeros('float32', query.shape);
  for (let row = 0; row < batch * heads * queryLength; row++) {
    const firstKey = Math.floor(row / queryLength) * keyLength;
    const weights = rowOfWeights(problem, query, key, row, firstKey);
    for (let d = 0; d < headDim; d++) {
      let sum = 0;
      for (let j = 0; j < keyLength; j++) sum += weights[j]! * value.data[(firstKey + j) * headDim + d]!;
      output.data[row * headDim + d] = sum;
    }
  }
  return output;
}

/** The weights of one query row. The maximum is subtracted first, or scores of 1e4 would overflow. */
function rowOfWeights(
  { keyLength, headDim, scale }: AttentionProblem,
  query: Tensor,
  key: Tensor,
  row: number,
  firstKey: number,
): Float64Array {
  const weights = new Float64Array(keyLength);
  for (let j = 0; j < keyLength; j++) {
    let dot = 0;
    for (let d = 0; d < headDim; d++)
      dot += query.data[row * headDim + d]! * key.data[(firstKey + j) * headDim + d]!;
    weights[j] = scale * dot;
  }
  const max = weights.reduce((a, b) => Math.max(a, b), -Infinity);
  let sum = 0;
  for (let j = 0; j < keyLength; j++) sum += weights[j] = Math.exp(weights[j]! - max);
  return weights.map((weight) => weight / sum);
}

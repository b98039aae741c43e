import type { AttentionInputs, AttentionProblem } from '@heed/core';
import { visibleKeys } from '@heed/core/backend';

/**
 * Computes attention as the formula is written: all scores of a head in one matrix, softmax over its rows, times the
 * values. This is the baseline of tiled attention; its memory grows with the square of the length.
 */
export function naiveAttention(problem: AttentionProblem, inputs: AttentionInputs): Float32Array {
  const { heads, queryLength, keyLength, headDim, scale } = problem;
  const [query, key, value] = [inputs.query, inputs.key, inputs.value].map(
    (one) => (one as { data: Float32Array }).data,
  ) as [Float32Array, Float32Array, Float32Array];
  const output = new Float32Array(heads * queryLength * headDim);
  const weights = new Float32Array(queryLength * keyLength);
  const visible = visibleKeys(problem, inputs);
  for (let h = 0; h < heads; h++) {
    const base = h * queryLength * headDim;
    for (let i = 0; i < queryLength; i++) {
      for (let j = 0; j < keyLength; j++) {
        let dot = 0;
        for (let d = 0; d < headDim; d++)
          dot += query[base + i * headDim + d]! * key[base + j * headDim + d]!;
        const isVisible = j >= visible.first(0, i) && j < visible.end(0, i);
        weights[i * keyLength + j] = isVisible ? scale * dot : -Infinity;
      }
    }
    for (let i = 0; i < queryLength; i++) softmax(weights.subarray(i * keyLength, (i + 1) * keyLength));
    for (let i = 0; i < queryLength; i++) {
      for (let j = 0; j < keyLength; j++) {
        const weight = weights[i * keyLength + j]!;
        for (let d = 0; d < headDim; d++)
          output[base + i * headDim + d]! += weight * value[base + j * headDim + d]!;
      }
    }
  }
  return output;
}

function softmax(row: Float32Array): void {
  let max = -Infinity;
  for (let j = 0; j < row.length; j++) max = Math.max(max, row[j]!);
  let sum = 0;
  for (let j = 0; j < row.length; j++) sum += row[j] = Math.exp(row[j]! - max);
  for (let j = 0; j < row.length; j++) row[j]! /= sum;
}

/** Bytes of the matrix of one head. */
export function naiveBytes({ queryLength, keyLength }: AttentionProblem): number {
  return 4 * queryLength * keyLength;
}

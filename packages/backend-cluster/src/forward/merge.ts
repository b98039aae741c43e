import {
  type AttentionPart,
  type AttentionProblem,
  type AttentionResults,
  type Statistics,
  type Tensor,
  mergeAttention,
} from '@heed/core';
import { rowStrides, sizeOf, zeros } from '@heed/core/backend';
import type { KeyPart } from '../plan/parts.ts';

/** Results of one part of the keys. */
export type PartResults = AttentionPart & Pick<AttentionResults, 'weights' | 'choice'>;

/** Joins the results of parts in the order of their positions, no matter which worker computed them and when. */
export function mergeForward(
  problem: AttentionProblem,
  parts: readonly KeyPart[],
  results: readonly PartResults[],
): AttentionResults {
  const soft = mergeAttention(
    results.map(({ output, statistics }) => ({ output, statistics })),
    { layout: problem.layout },
  );
  const { statistics } = soft;
  const shares = results.map((part) => sharesOf(part.statistics, statistics));
  const chosen = problem.selection === 'softmax' ? null : chosenParts(results);
  const all: AttentionResults = {
    output: chosen === null ? soft.output : chosenOutput(problem, results, chosen),
    statistics,
    logSumExp: logSumExpOf(statistics),
    ...(problem.outputs.includes('weights') && {
      weights: mergedWeights(problem, parts, results, shares, chosen),
    }),
    ...(chosen !== null &&
      problem.outputs.includes('choice') && { choice: mergedChoice(parts, results, chosen) }),
  };
  return Object.fromEntries(problem.outputs.map((name) => [name, all[name]]));
}

/** The share of a part in each row's denominator: 0 where it has no key of the row. */
export function sharesOf(part: Statistics, whole: Statistics): Float64Array {
  return Float64Array.from(part.rowSum.data, (sum, row) =>
    sum === 0
      ? 0
      : (sum * Math.exp(part.rowMax.data[row]! - whole.rowMax.data[row]!)) / whole.rowSum.data[row]!,
  );
}

function logSumExpOf({ rowMax, rowSum }: Statistics): Tensor {
  const result = zeros(rowMax.dtype, rowMax.shape);
  result.data.set(
    Array.from(rowSum.data, (sum, row) => (sum === 0 ? -Infinity : rowMax.data[row]! + Math.log(sum))),
  );
  return result;
}

/** For each row the part with the largest score, the first among equals; −1 for an empty row. */
function chosenParts(results: readonly PartResults[]): Int32Array {
  const rows = results[0]!.statistics.rowMax.data.length;
  return Int32Array.from({ length: rows }, (_, row) => {
    let best = -1;
    let bestScore = -Infinity;
    for (const [index, { statistics }] of results.entries()) {
      const sum = statistics.rowSum.data[row]!;
      if (sum === 0) continue;
      // A non-finite score decides, as in the whole row.
      const score = Number.isNaN(sum) ? NaN : statistics.rowMax.data[row]!;
      const isBetter = best === -1 || score > bestScore || Number.isNaN(score);
      if (isBetter && !Number.isNaN(bestScore)) [best, bestScore] = [index, score];
    }
    return best;
  });
}

function chosenOutput(
  problem: AttentionProblem,
  results: readonly PartResults[],
  chosen: Int32Array,
): Tensor {
  const output = zeros(problem.dtype, results[0]!.output.shape);
  for (const [row, at] of outputRows(problem)) {
    const part = results[chosen[row]!];
    if (part !== undefined) output.data.set(part.output.data.subarray(at, at + problem.valueDim), at);
  }
  return output;
}

function mergedChoice(
  parts: readonly KeyPart[],
  results: readonly PartResults[],
  chosen: Int32Array,
): Tensor {
  const choice = zeros('int32', results[0]!.choice!.shape);
  for (const [row, part] of chosen.entries()) {
    choice.data[row] = part === -1 ? -1 : parts[part]!.start + results[part]!.choice!.data[row]!;
  }
  return choice;
}

function mergedWeights(
  { batch, heads, queryLength, keyLength, dtype }: AttentionProblem,
  parts: readonly KeyPart[],
  results: readonly PartResults[],
  shares: readonly Float64Array[],
  chosen: Int32Array | null,
): Tensor {
  const weights = zeros(dtype, [batch, heads, queryLength, keyLength]);
  for (const [index, { start, end }] of parts.entries()) {
    const { data } = results[index]!.weights!;
    const length = end - start;
    for (let row = 0; row < sizeOf([batch, heads, queryLength]); row++) {
      const share = chosen === null ? shares[index]![row]! : Number(chosen[row] === index);
      if (share === 0) continue;
      for (let j = 0; j < length; j++) {
        const weight = data[row * length + j]!;
        // An excluded key has weight 0, also beside non-finite numbers.
        weights.data[row * keyLength + start + j] = weight === 0 ? 0 : weight * share;
      }
    }
  }
  return weights;
}

/** Yields rows of the statistics, and the index where each begins in the output. */
export function* outputRows(problem: AttentionProblem): Generator<[row: number, at: number]> {
  const { batch, heads, queryLength, valueDim, layout } = problem;
  const strides = rowStrides(layout, heads, queryLength, valueDim);
  for (let b = 0, row = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      for (let i = 0; i < queryLength; i++, row++) {
        yield [row, b * strides.batch + h * strides.head + i * strides.row];
      }
    }
  }
}

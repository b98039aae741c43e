import type { AttentionInputs } from '../inputs.ts';
import type { AttentionProblem } from '../problem.ts';
import type { OutputsByName } from '../results.ts';
import { widened } from '../float16.ts';
import { type Tensor, zeros } from '../tensor.ts';
import { contiguousCache } from '../backend/contiguous-cache.ts';
import { dropoutOf } from '../backend/dropout.ts';
import { perturbed, rowsOf, scorer } from './scores.ts';

/**
 * Attention in float64, one query row at a time, to be read alongside SPEC.md: every output of every problem, whatever
 * `problem.outputs` names. Time O(Lq · Lk · D), memory O(Lk) besides the outputs.
 *
 * Weights are filled only if asked for: only they take Lq · Lk numbers.
 */
export function referenceForward(
  problem: AttentionProblem,
  given: AttentionInputs<Tensor>,
): OutputsByName<Tensor> {
  const inputs = contiguousCache(problem, widened(given));
  const { batch, heads, queryLength, keyLength, valueDim, layout } = problem;
  const rows = rowsOf(problem);
  const scoresOf = scorer(problem, inputs);
  const dropout = dropoutOf(problem, inputs);
  const value = new Float64Array(inputs.value.data);
  const perRow = [batch, heads, queryLength];
  const wantsWeights = problem.outputs.includes('weights');
  const outputShape = layout === 'bhld' ? [...perRow, valueDim] : [batch, queryLength, heads, valueDim];

  const output = zeros('float64', outputShape);
  const weights = zeros('float64', wantsWeights ? [...perRow, keyLength] : [0]);
  const logSumExp = zeros('float64', perRow);
  const rowMax = zeros('float64', perRow);
  const rowSum = zeros('float64', perRow);
  const choice = zeros('int32', perRow);

  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      for (let i = 0; i < queryLength; i++) {
        const row = (b * heads + h) * queryLength + i;
        const scores = scoresOf(b, h, i);
        const sink = problem.sinks ? inputs.sinks!.data[h]! : null;
        const soft = softmax(scores.score, sink);
        const candidates = perturbed(problem, inputs, scores, [b, h, i]);
        const chosen = indexOfLargest(candidates);
        const rowWeights = problem.selection === 'softmax' ? soft.weights : oneHot(candidates, chosen);

        rowMax.data[row] = soft.max;
        rowSum.data[row] = soft.sum;
        logSumExp.data[row] = soft.sum === 0 ? -Infinity : soft.max + Math.log(soft.sum);
        choice.data[row] = chosen === -1 ? -1 : scores.keys[chosen]!;
        const o = rows.output(b, h, i);
        scores.keys.forEach((j, n) => {
          const weight = rowWeights[n]!;
          const c = problem.ring ? j % keyLength : j;
          if (wantsWeights) weights.data[row * keyLength + c] = weight;
          // Hard attention reads the value it chose and no other: 0 · NaN is NaN.
          if (problem.selection !== 'softmax' && n !== chosen) return;
          const v = rows.value(b, h, c);
          // A dropped key is attended to: its weight of 0 does not hide a NaN of its value.
          const kept = weight * (dropout?.kept(b, h, i, j) ?? 1);
          for (let d = 0; d < valueDim; d++) output.data[o + d]! += kept * value[v + d]!;
        });
      }
    }
  }
  return { output, weights, logSumExp, statistics: { rowMax, rowSum }, choice };
}

/**
 * Softmax with its maximum subtracted. A sink joins the denominator, except one of −∞. Without scores and sink, the
 * sum is 0.
 */
export function softmax(
  scores: readonly number[],
  sink: number | null,
): { readonly weights: number[]; readonly max: number; readonly sum: number; readonly sinkWeight: number } {
  const joins = sink !== null && sink !== -Infinity;
  const all = joins ? [...scores, sink] : scores;
  // reduce, not spread: a row may have more keys than a call may have arguments. Math.max keeps NaN.
  const max = all.reduce((a, b) => Math.max(a, b), -Infinity);
  const exponentials = scores.map((score) => Math.exp(score - max));
  const sinkTerm = joins ? Math.exp(sink - max) : 0;
  const sum = exponentials.reduce((a, b) => a + b, 0) + sinkTerm;
  return { weights: exponentials.map((e) => e / sum), max, sum, sinkWeight: sum === 0 ? 0 : sinkTerm / sum };
}

/** Index of the largest number, the lowest one among equals; −1 without numbers. A NaN counts as largest. */
function indexOfLargest(numbers: readonly number[]): number {
  let best = -1;
  numbers.forEach((number, index) => {
    if (best === -1 || number > numbers[best]! || (Number.isNaN(number) && !Number.isNaN(numbers[best]!))) {
      best = index;
    }
  });
  return best;
}

/** 1 at the chosen index, or NaN if the chosen number is NaN. */
function oneHot(candidates: readonly number[], chosen: number): number[] {
  return candidates.map((candidate, index) => (index !== chosen ? 0 : Number.isNaN(candidate) ? NaN : 1));
}

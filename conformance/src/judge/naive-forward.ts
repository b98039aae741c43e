import type { AttentionProblem, Tensor } from '@heed/core';
import { dropoutOf, zeros } from '@heed/core/backend';
import { type Arithmetic, eachTerm } from './arithmetic.ts';
import { type PlainInputs, type ScoreRow, naiveScores, rowStarts } from './naive-scores.ts';

/** Results of the naive computation of soft attention: tensors by the names of comparisons. */
export interface NaiveForward {
  readonly output: Tensor;
  readonly weights: Tensor;
  readonly logSumExp: Tensor;
  readonly rowMax: Tensor;
  readonly rowSum: Tensor;
}

/** The softmax of one row: maximum subtracted, sums in one loop, every operation rounded. */
export interface NaiveRow extends ScoreRow {
  readonly weights: readonly number[];
  readonly sinkWeight: number;
  readonly max: number;
  readonly sum: number;
}

export function naiveRows(
  problem: AttentionProblem,
  inputs: PlainInputs,
  arithmetic: Arithmetic,
): (b: number, h: number, i: number) => NaiveRow {
  const { round } = arithmetic;
  const scoresOf = naiveScores(problem, inputs, arithmetic);
  return (b, h, i) => {
    const row = scoresOf(b, h, i);
    // A sink of −∞ has no effect: it changes neither the maximum nor, by exp(−∞) = 0, the sum.
    const sink = problem.sinks ? inputs.sinks!.data[h]! : -Infinity;
    const max = row.scores.reduce((most, score) => Math.max(most, score), sink);
    const exponentials = row.scores.map((score) => round(Math.exp(round(score - max))));
    const sinkTerm = sink === -Infinity ? 0 : round(Math.exp(round(sink - max)));
    let sum = sinkTerm;
    eachTerm(exponentials.length, arithmetic, (n) => {
      sum = round(sum + exponentials[n]!);
    });
    const weights = exponentials.map((exponential) => round(exponential / sum));
    return { ...row, weights, sinkWeight: sum === 0 ? 0 : round(sinkTerm / sum), max, sum };
  };
}

/**
 * Soft attention as a beginner would write it, in an arithmetic of choice: the yardstick of SPEC.md, clause `accuracy`.
 * Tensors are float64, so that they hold the rounded numbers of either precision. Hard attention has the same
 * statistics; its output and weights are judged otherwise.
 */
export function naiveForward(
  problem: AttentionProblem,
  inputs: PlainInputs,
  arithmetic: Arithmetic,
): NaiveForward {
  const { round } = arithmetic;
  const { batch, heads, queryLength, keyLength, valueDim, layout } = problem;
  const starts = rowStarts(problem);
  const rowOf = naiveRows(problem, inputs, arithmetic);
  const kept = keptFactor(problem, inputs, arithmetic);
  const perRow = [batch, heads, queryLength];
  const wantsWeights = problem.outputs.includes('weights');
  const output = zeros(
    'float64',
    layout === 'bhld' ? [...perRow, valueDim] : [batch, queryLength, heads, valueDim],
  );
  const weights = zeros('float64', wantsWeights ? [...perRow, keyLength] : [0]);
  const { data } = output;
  const value = new Float64Array(inputs.value.data);
  const logSumExp = zeros('float64', perRow);
  const rowMax = zeros('float64', perRow);
  const rowSum = zeros('float64', perRow);

  eachRow(problem, (b, h, i, at) => {
    const row = rowOf(b, h, i);
    rowMax.data[at] = row.max;
    rowSum.data[at] = row.sum;
    logSumExp.data[at] = row.sum === 0 ? -Infinity : round(row.max + round(Math.log(row.sum)));
    const o = starts.output(b, h, i);
    eachTerm(row.keys.length, arithmetic, (n) => {
      const j = row.keys[n]!;
      const weight = row.weights[n]!;
      const c = problem.ring ? j % keyLength : j;
      if (wantsWeights) weights.data[at * keyLength + c] = weight;
      const v = starts.value(b, h, c);
      const read = kept(weight, b, h, i, j);
      for (let d = 0; d < valueDim; d++) {
        data[o + d] = round(data[o + d]! + round(read * value[v + d]!));
      }
    });
  });
  return { output, weights, logSumExp, rowMax, rowSum };
}

/** Multiplies numbers of a weight by 0 or 1 / (1 − p), as dropout has it for its key; without dropout it returns them. */
export function keptFactor(
  problem: AttentionProblem,
  inputs: PlainInputs,
  { round, nearest }: Arithmetic,
): (number: number, b: number, h: number, i: number, j: number) => number {
  const dropout = dropoutOf(problem, inputs);
  if (dropout === null) return (number) => number;
  return (number, ...place) => round(number * nearest(dropout.kept(...place)));
}

/** Visits every query row; `at` is its place in `[B, Hq, Lq]`. */
export function eachRow(
  problem: AttentionProblem,
  visit: (b: number, h: number, i: number, at: number) => void,
): void {
  const count = problem.batch * problem.heads * problem.queryLength;
  for (let at = 0; at < count; at++) visit(...placeOf(problem, at), at);
}

/** Batch, head and row of a place in `[B, Hq, Lq]`. */
export function placeOf(
  { heads, queryLength }: AttentionProblem,
  at: number,
): readonly [b: number, h: number, i: number] {
  return [Math.floor(at / (heads * queryLength)), Math.floor(at / queryLength) % heads, at % queryLength];
}

import type { AttentionProblem, AttentionResults, Tensor } from '@heed/core';
import { computeDType, rowSumFrom, widened, zeros } from '@heed/core/backend';
import { simpleCache } from './simple-cache.ts';
import { type Inputs, type Row, columnOf, placesOf, rowOf } from './simple-row.ts';
import type { Place, Steps } from './steps.ts';

/** Attention row by row, in the language's own float64; results are rounded when stored. */
export function simpleForward(
  steps: Steps,
  problem: AttentionProblem,
  given: Inputs,
): AttentionResults<Tensor> {
  const inputs = simpleCache(steps, problem, widened(given));
  const { batch, heads, queryLength, keyLength, valueDim, layout, outputs } = problem;
  const dtype = computeDType(problem.dtype);
  const rows = [batch, heads, queryLength];
  const all = {
    output: zeros(dtype, layout === 'bhld' ? [...rows, valueDim] : [batch, queryLength, heads, valueDim]),
    weights: zeros(dtype, outputs.includes('weights') ? [...rows, keyLength] : [0]),
    logSumExp: zeros(dtype, rows),
    statistics: { rowMax: zeros(dtype, rows), rowSum: zeros(dtype, rows) },
    choice: zeros('int32', rows),
  };
  eachPlace(problem, (place, at) => {
    const row = rowOf(steps, problem, inputs, place);
    const hard = problem.selection === 'softmax' ? null : hardChoice(steps, problem, inputs, place, row);
    const weights = hard === null ? row.weights : oneHot(row, hard);
    const { rowMax, rowSum } = all.statistics;
    rowMax.data[at] = row.max;
    rowSum.data[at] = rowSumFrom(row.sum, row.max, rowMax.data[at]!);
    all.logSumExp.data[at] = steps.logSumExp(row.max, row.sum);
    all.choice.data[at] = hard === null || hard === -1 ? steps.emptyChoice() : row.keys[hard]!;
    row.keys.forEach((j, n) => {
      if (outputs.includes('weights'))
        all.weights.data[at * keyLength + columnOf(steps, problem, j)] =
          weights[n]! * steps.keptInWeights(row.kept[n]!);
    });
    const read = hard === null ? row.keys.map((_, n) => n) : [hard].filter((n) => n >= 0);
    writeOutput(steps, problem, inputs, place, all.output, row, weights, read);
  });
  const results = {
    ...all,
    output: steps.roundResult(all.output, problem.dtype),
    weights: steps.roundResult(all.weights, problem.dtype),
  };
  return Object.fromEntries(outputs.map((name) => [name, results[name]]));
}

function hardChoice(steps: Steps, problem: AttentionProblem, inputs: Inputs, place: Place, row: Row): number {
  const sample = problem.selection === 'sample';
  const from = steps.origin(inputs.origin);
  const [b, h, i] = place;
  const there = [b + from.batch, h + from.head, i + from.query] as const;
  return steps.choose(
    row.scores.map(
      (score, n) => score + (sample ? steps.noise(inputs.seed!, there, row.keys[n]! + from.key) : 0),
    ),
  );
}

/** 1 at the chosen key, or NaN if the chosen score is NaN. */
function oneHot({ scores }: Row, chosen: number): number[] {
  return scores.map((score, n) => (n !== chosen ? 0 : Number.isNaN(score) ? NaN : 1));
}

function writeOutput(
  steps: Steps,
  problem: AttentionProblem,
  inputs: Inputs,
  place: Place,
  output: Tensor,
  row: Row,
  weights: readonly number[],
  read: readonly number[],
): void {
  const places = placesOf(steps, problem);
  const o = places.output(place);
  for (let d = 0; d < steps.depthOfValue(problem); d++) {
    let sum = steps.sinkValue(row.sinkWeight);
    for (const n of read) {
      if (!steps.counts(weights[n]!)) continue;
      if (row.kept[n] === 0 && !steps.readsDropped()) continue;
      const column = columnOf(steps, problem, row.keys[n]!);
      const value = inputs.value.data[places.value(place[0], place[1], column) + d]!;
      sum = steps.addToOutput(sum, weights[n]! * row.kept[n]! * value, problem.dtype);
    }
    output.data[o + d] = row.keys.length === 0 ? steps.emptyOutput() : sum;
  }
}

/** Visits every query row; `at` is its place in `[B, Hq, Lq]`. */
export function eachPlace(problem: AttentionProblem, visit: (place: Place, at: number) => void): void {
  let at = 0;
  for (let b = 0; b < problem.batch; b++) {
    for (let h = 0; h < problem.heads; h++) {
      for (let i = 0; i < problem.queryLength; i++) visit([b, h, i], at++);
    }
  }
}

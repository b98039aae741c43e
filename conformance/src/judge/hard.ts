import { type AttentionProblem, type Tensor, cast } from '@heed/core';
import { numbersOf, widened } from '@heed/core/backend';
import { type Comparison, coordinates, withoutNumbers } from './compare.ts';
import { EXACT, arithmeticsOf } from './arithmetic.ts';
import type { Expectation } from './expectation.ts';
import { eachRow } from './naive-forward.ts';
import { type ScoreRow, naiveScores, rowStarts } from './naive-scores.ts';
import { PRECISIONS } from './precision.ts';

/** The results of hard attention that are not numbers to approximate but consequences of a choice. */
export interface HardResults {
  readonly output?: Tensor;
  readonly weights?: Tensor;
  readonly choice?: Tensor;
}

/**
 * SPEC.md, clause `selection`: a choice is right when its float64 score is within the accuracy bound of the best, and
 * when no key before it has exactly the same score, if the scores are exactly representable. The output is then the
 * chosen value and the weights are 1 at the choice, both exactly.
 */
export function compareHard(expectation: Expectation, given: HardResults): Comparison[] {
  const results = widened(given);
  const names = (['output', 'weights', 'choice'] as const).filter((name) => results[name] !== undefined);
  const { problem, inputs } = expectation;
  const exact = scoredRows(problem, naiveScores(problem, inputs, EXACT));
  // The best key of the lowest index is right under any bound; most often it is the one that was chosen.
  const unlike = firstFault(expectation, results, exact.map(bestKey));
  const fault = unlike && firstFault(expectation, results, rightChoices(expectation, exact));
  return names.map((tensor) => withoutNumbers(tensor, fault?.tensor === tensor ? fault.message : null));
}

function scoredRows(
  problem: AttentionProblem,
  scoresOf: (b: number, h: number, i: number) => ScoreRow,
): ScoreRow[] {
  const rows: ScoreRow[] = [];
  eachRow(problem, (b, h, i) => rows.push(scoresOf(b, h, i)));
  return rows;
}

function largest(candidates: readonly number[]): number {
  return candidates.reduce((most, score) => Math.max(most, score), -Infinity);
}

/** The key with the largest score, the lowest among equals; none in an empty row, or beside NaN. */
function bestKey({ keys, candidates }: ScoreRow): number[] {
  const at = candidates.indexOf(largest(candidates));
  return at === -1 ? [] : [keys[at]!];
}

interface Fault {
  readonly tensor: keyof HardResults;
  readonly message: string;
}

function firstFault(
  expectation: Expectation,
  results: HardResults,
  rightKeys: readonly (readonly number[])[],
): Fault | null {
  const { problem } = expectation;
  let fault: Fault | null = null;
  eachRow(problem, (b, h, i, at) => {
    if (fault !== null) return;
    const right = rightKeys[at]!;
    const where = coordinates(at, [problem.batch, problem.heads, problem.queryLength]);
    const expected = right.length === 0 ? 'none, the row is empty' : right.join(' or ');
    const chosen = results.choice?.data[at];
    if (chosen !== undefined && !(right.length === 0 ? chosen === -1 : right.includes(chosen))) {
      fault = { tensor: 'choice', message: `choice[${where}] is ${chosen}, the best key is ${expected}` };
      return;
    }
    const keys = chosen === undefined ? right : right.filter((key) => key === chosen);
    if (results.output && !isChosenValue(expectation, results.output, [b, h, i], keys)) {
      fault = {
        tensor: 'output',
        message: `output row [${where}] is not the value of the best key (${expected})`,
      };
    } else if (
      results.weights &&
      !isOneHot(
        results.weights,
        at,
        problem.keyLength,
        keys.map((j) => placeOfKey(problem, j)),
      )
    ) {
      fault = {
        tensor: 'weights',
        message: `weights row [${where}] is not 1 at the best key (${expected}), else 0`,
      };
    }
  });
  return fault;
}

/** For each row, the keys that are right to choose; none in an empty row. */
function rightChoices({ problem, inputs }: Expectation, exact: readonly ScoreRow[]): number[][] {
  const naive = arithmeticsOf(problem).map((way) => scoredRows(problem, naiveScores(problem, inputs, way)));
  // The largest error of a naive score of each row. 0 means that the scores are exactly representable.
  const errors = exact.map((row, at) =>
    Math.max(0, ...naive.map((rows) => largestDifference(row.candidates, rows[at]!.candidates))),
  );
  const { naiveFactor, floor } = PRECISIONS[problem.dtype];
  const naiveError = largest([0, ...errors]);
  return exact.map(({ keys, candidates }, at) => {
    const best = largest(candidates);
    const bound = naiveFactor * naiveError + floor * Math.max(1, Math.abs(best));
    const representable = errors[at] === 0;
    return keys.filter((_, n) => {
      const score = candidates[n]!;
      return score >= best - bound && (!representable || candidates.indexOf(score) === n);
    });
  });
}

function largestDifference(exact: readonly number[], naive: readonly number[]): number {
  return exact.reduce((most, score, n) => Math.max(most, Math.abs(naive[n]! - score)), 0);
}

function isChosenValue(
  { problem, inputs }: Expectation,
  output: Tensor,
  [b, h, i]: readonly [number, number, number],
  keys: readonly number[],
): boolean {
  const starts = rowStarts(problem);
  const at = starts.output(b, h, i);
  const row = output.data.subarray(at, at + problem.valueDim);
  if (keys.length === 0) return row.every((number) => number === 0);
  return keys.some((j) => {
    const v = starts.value(b, h, placeOfKey(problem, j));
    const value = Float64Array.from(row, (_, d) => inputs.value.data[v + d]!);
    // A cache of another type has numbers that the problem's type may not have.
    const rounded = roundedTo(problem, value);
    // An integer times its scale may be a float32 before it is rounded to 16 bits: SPEC.md, clause `cache`.
    const twice =
      problem.groups === null ? rounded : roundedTo(problem, Float64Array.from(value, Math.fround));
    // Those of a case file are not rounded.
    return row.every((number, d) => [rounded[d], twice[d], value[d]].includes(number));
  });
}

function roundedTo({ dtype }: AttentionProblem, data: Float64Array<ArrayBuffer>): Tensor['data'] {
  return numbersOf(cast({ dtype: 'float64', shape: [data.length], data }, dtype));
}

/** Where key j lies: SPEC.md, clause `ring`. */
function placeOfKey({ ring, keyLength }: AttentionProblem, j: number): number {
  return ring ? j % keyLength : j;
}

function isOneHot(weights: Tensor, at: number, keyLength: number, keys: readonly number[]): boolean {
  const row = weights.data.subarray(at * keyLength, (at + 1) * keyLength);
  if (keys.length === 0) return row.every((weight) => weight === 0);
  return keys.some((key) => row.every((weight, j) => weight === (j === key ? 1 : 0)));
}

import type { Tensor } from '@heed/core';
import { type Comparison, coordinates } from './compare.ts';
import { type Expectation, roundingOf } from './expectation.ts';
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
export function compareHard(expectation: Expectation, results: HardResults): Comparison[] {
  const names = (['output', 'weights', 'choice'] as const).filter((name) => results[name] !== undefined);
  const fault = firstFault(expectation, results);
  return names.map((tensor) => {
    const wrong = fault?.tensor === tensor;
    return { tensor, error: wrong ? Infinity : 0, bound: 0, fault: wrong ? fault.message : null };
  });
}

interface Fault {
  readonly tensor: keyof HardResults;
  readonly message: string;
}

function firstFault(expectation: Expectation, results: HardResults): Fault | null {
  const { problem } = expectation;
  const rightKeys = rightChoices(expectation);
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
    } else if (results.weights && !isOneHot(results.weights, at, problem.keyLength, keys)) {
      fault = {
        tensor: 'weights',
        message: `weights row [${where}] is not 1 at the best key (${expected}), else 0`,
      };
    }
  });
  return fault;
}

/** For each row, the keys that are right to choose; none in an empty row. */
function rightChoices(expectation: Expectation): number[][] {
  const { problem, inputs } = expectation;
  const exactOf = naiveScores(problem, inputs, (number) => number);
  const roundedOf = naiveScores(problem, inputs, roundingOf(problem));
  const rows: { exact: ScoreRow; rounded: ScoreRow }[] = [];
  let naiveError = 0;
  eachRow(problem, (b, h, i) => {
    const exact = exactOf(b, h, i);
    const rounded = roundedOf(b, h, i);
    exact.candidates.forEach((score, n) => {
      naiveError = Math.max(naiveError, Math.abs(score - rounded.candidates[n]!));
    });
    rows.push({ exact, rounded });
  });

  const { naiveFactor, floor } = PRECISIONS[problem.dtype];
  return rows.map(({ exact, rounded }) => {
    const best = exact.candidates.reduce((a, b) => Math.max(a, b), -Infinity);
    const bound = naiveFactor * naiveError + floor * Math.max(1, Math.abs(best));
    const representable = exact.candidates.every((score, n) => score === rounded.candidates[n]);
    const firstOf = (score: number): number => exact.candidates.indexOf(score);
    return exact.keys.filter((_, n) => {
      const score = exact.candidates[n]!;
      return score >= best - bound && (!representable || firstOf(score) === n);
    });
  });
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
    const v = starts.value(b, h, j);
    return row.every((number, d) => number === inputs.value.data[v + d]);
  });
}

function isOneHot(weights: Tensor, at: number, keyLength: number, keys: readonly number[]): boolean {
  const row = weights.data.subarray(at * keyLength, (at + 1) * keyLength);
  if (keys.length === 0) return row.every((weight) => weight === 0);
  return keys.some((key) => row.every((weight, j) => weight === (j === key ? 1 : 0)));
}

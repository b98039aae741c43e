import type { Tensor } from '@heed/core';
import { type Comparison, coordinates } from './compare.ts';
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

/** The scores of a row: in float64, and in each naive way. */
interface ScoredRow {
  readonly exact: ScoreRow;
  readonly naive: readonly ScoreRow[];
}

/** For each row, the keys that are right to choose; none in an empty row. */
function rightChoices({ problem, inputs }: Expectation): number[][] {
  const exactOf = naiveScores(problem, inputs, EXACT);
  const naiveOf = arithmeticsOf(problem).map((arithmetic) => naiveScores(problem, inputs, arithmetic));
  const rows: ScoredRow[] = [];
  eachRow(problem, (b, h, i) => {
    rows.push({ exact: exactOf(b, h, i), naive: naiveOf.map((scoresOf) => scoresOf(b, h, i)) });
  });

  const { naiveFactor, floor } = PRECISIONS[problem.dtype];
  const naiveError = rows.reduce((most, row) => Math.max(most, errorOf(row)), 0);
  return rows.map((row) => {
    const { keys, candidates } = row.exact;
    const best = candidates.reduce((most, score) => Math.max(most, score), -Infinity);
    const bound = naiveFactor * naiveError + floor * Math.max(1, Math.abs(best));
    const representable = errorOf(row) === 0;
    return keys.filter((_, n) => {
      const score = candidates[n]!;
      return score >= best - bound && (!representable || candidates.indexOf(score) === n);
    });
  });
}

/** The largest error of a naive score. 0 means that the scores are exactly representable. */
function errorOf({ exact, naive }: ScoredRow): number {
  let error = 0;
  for (const { candidates } of naive) {
    candidates.forEach((score, n) => {
      error = Math.max(error, Math.abs(score - exact.candidates[n]!));
    });
  }
  return error;
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

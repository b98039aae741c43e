import type { AttentionProblem, Tensor } from '@heed/core';
import { broadcastStrides } from '@heed/core/backend';
import { eachRow } from './naive-forward.ts';
import { type PlainInputs, rowStarts } from './naive-scores.ts';

/** By tensor: whether an element is excluded, so that nothing that is attended to reaches it. */
export type Excluded = Readonly<Record<string, (index: number) => boolean>>;

/** For each row of `[B, Hq, Lq]`: the keys that it may attend to. */
export type Attended = readonly (readonly number[])[];

/** The excluded entries of the outputs: those of empty rows, and the weights of keys that a row may not attend to. */
export function excludedOutputs(problem: AttentionProblem, attended: Attended, rowSum: Tensor): Excluded {
  const { keyLength } = problem;
  const emptyRow = (at: number): boolean => attended[at]!.length === 0;
  // An empty row with a sink has a denominator all the same.
  const nothingToSum = (at: number): boolean => emptyRow(at) && rowSum.data[at] === 0;
  const seen = attended.map((keys) => new Set(keys));
  return {
    output: flagsOfRows(problem, problem.valueDim, emptyRow),
    weights: (index) => !seen[Math.floor(index / keyLength)]!.has(index % keyLength),
    logSumExp: nothingToSum,
    rowMax: nothingToSum,
    rowSum: nothingToSum,
  };
}

/** The excluded entries of the gradients. */
export function excludedGradients(
  problem: AttentionProblem,
  inputs: PlainInputs,
  attended: Attended,
): Excluded {
  const { headDim, valueDim } = problem;
  const starts = rowStarts(problem);
  const keys = new Set<number>();
  const values = new Set<number>();
  const biases = new Set<number>();
  const [biasB, biasH, biasI, biasJ] = broadcastStrides(problem.bias?.shape ?? [1, 1, 1, 1]);
  eachRow(problem, (b, h, i, at) => {
    for (const j of attended[at]!) {
      keys.add(starts.key(b, h, j) / headDim);
      values.add(starts.value(b, h, j) / valueDim);
      biases.add(b * biasB + h * biasH + i * biasI + j * biasJ);
    }
  });
  return {
    dQuery: flagsOfRows(problem, headDim, (at) => attended[at]!.length === 0),
    dKey: (index) => !keys.has(Math.floor(index / headDim)),
    dValue: (index) => !values.has(Math.floor(index / valueDim)),
    dBias: (index) => inputs.bias !== undefined && !biases.has(index),
    dSinks: () => false,
  };
}

/** Carries a flag of rows `[B, Hq, Lq]` over to the elements of query rows in the problem's layout. */
function flagsOfRows(
  { layout, heads, queryLength }: AttentionProblem,
  depth: number,
  flag: (at: number) => boolean,
): (index: number) => boolean {
  if (layout === 'bhld') return (index) => flag(Math.floor(index / depth));
  return (index) => {
    const place = Math.floor(index / depth);
    const i = Math.floor(place / heads) % queryLength;
    const b = Math.floor(place / (heads * queryLength));
    return flag((b * heads + (place % heads)) * queryLength + i);
  };
}

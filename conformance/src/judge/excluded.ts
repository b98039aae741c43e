import type { AttentionProblem } from '@heed/core';
import { broadcastStrides } from '@heed/core/backend';
import { eachRow } from './naive-forward.ts';
import { type PlainInputs, attendedKeys, rowStarts } from './naive-scores.ts';

/** By tensor: whether an element is excluded, so that nothing that is attended to reaches it. */
export type Excluded = Readonly<Record<string, (index: number) => boolean>>;

/** Which keys rows may attend to. */
export interface Attended {
  /** Of `[B, Hq, Lq, Lk]`: 1 where the row may attend to the key. */
  readonly pairs: Uint8Array;
  /** Of `[B, Hq, Lq]`: 1 where the row may attend to no key. */
  readonly emptyRows: Uint8Array;
}

/** For each row of `[B, Hq, Lq]`: the keys that it may attend to. */
export function attendedByRow(problem: AttentionProblem, inputs: PlainInputs): number[][] {
  const keysOf = attendedKeys(problem, inputs);
  const rows: number[][] = [];
  eachRow(problem, (b, h, i) => rows.push(keysOf(b, h, i)));
  return rows;
}

export function attendedPairs(problem: AttentionProblem, inputs: PlainInputs): Attended {
  const { batch, heads, queryLength, keyLength } = problem;
  const keysOf = attendedKeys(problem, inputs);
  const emptyRows = new Uint8Array(batch * heads * queryLength);
  const pairs = new Uint8Array(emptyRows.length * keyLength);
  eachRow(problem, (b, h, i, at) => {
    const keys = keysOf(b, h, i);
    if (keys.length === 0) emptyRows[at] = 1;
    for (const j of keys) pairs[at * keyLength + j] = 1;
  });
  return { pairs, emptyRows };
}

/** The excluded entries of the outputs: those of empty rows, and the weights of keys that a row may not attend to. */
export function excludedOutputs(
  problem: AttentionProblem,
  { sinks }: PlainInputs,
  { pairs, emptyRows }: Attended,
): Excluded {
  const { heads, queryLength, valueDim } = problem;
  const emptyRow = (at: number): boolean => emptyRows[at] === 1;
  // An empty row with a sink has a denominator all the same.
  const nothingToSum = (at: number): boolean => {
    const sink = problem.sinks ? sinks!.data[Math.floor(at / queryLength) % heads] : -Infinity;
    return emptyRow(at) && sink === -Infinity;
  };
  return {
    output: flagsOfRows(problem, valueDim, emptyRow),
    weights: (index) => pairs[index] === 0,
    logSumExp: nothingToSum,
    rowMax: nothingToSum,
    rowSum: nothingToSum,
  };
}

/** The excluded entries of the gradients. */
export function excludedGradients(
  problem: AttentionProblem,
  inputs: PlainInputs,
  { pairs, emptyRows }: Attended,
): Excluded {
  const { headDim, valueDim, keyLength } = problem;
  const starts = rowStarts(problem);
  const keys = new Uint8Array(inputs.key.data.length / headDim);
  const values = new Uint8Array(inputs.value.data.length / valueDim);
  const biases = new Uint8Array(inputs.bias?.data.length ?? 0);
  const [biasB, biasH, biasI, biasJ] = broadcastStrides(problem.bias?.shape ?? [1, 1, 1, 1]);
  eachRow(problem, (b, h, i, at) => {
    const biasRow = b * biasB + h * biasH + i * biasI;
    for (let j = 0; j < keyLength; j++) {
      if (pairs[at * keyLength + j] === 0) continue;
      keys[starts.key(b, h, j) / headDim] = 1;
      values[starts.value(b, h, j) / valueDim] = 1;
      if (problem.bias) biases[biasRow + j * biasJ] = 1;
    }
  });
  return {
    dQuery: flagsOfRows(problem, headDim, (at) => emptyRows[at] === 1),
    dKey: (index) => keys[Math.floor(index / headDim)] === 0,
    dValue: (index) => values[Math.floor(index / valueDim)] === 0,
    dBias: (index) => biases[index] === 0,
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

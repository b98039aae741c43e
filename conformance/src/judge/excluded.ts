import type { AttentionProblem } from '@heed/core';
import { broadcastStrides } from '@heed/core/backend';
import { eachRow } from './naive-forward.ts';
import { type PlainInputs, attendedKeys, rowStarts } from './naive-scores.ts';

/** Elements of a tensor that are excluded, so that nothing that is attended to reaches them. */
export interface ExcludedElements {
  /** 1 where `depth` consecutive elements are excluded. */
  readonly flags: Uint8Array;
  readonly depth: number;
}

/** Excluded elements by tensor. */
export type Excluded = Readonly<Record<string, ExcludedElements>>;

/** Keys that rows may attend to. */
export interface Attended {
  /** `[B, Hq, Lq, Lk]`: 1 where the row may attend to the key. */
  readonly pairs: Uint8Array;
  /** `[B, Hq, Lq]`: 1 where the row may not attend to any key. */
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
    for (const j of keys) pairs[at * keyLength + (problem.ring ? j % keyLength : j)] = 1;
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
  // An empty row with a sink still has a denominator.
  const nothingToSum = emptyRows.map((empty, at) => {
    const sink = problem.sinks ? sinks!.data[Math.floor(at / queryLength) % heads] : -Infinity;
    return empty === 1 && sink === -Infinity ? 1 : 0;
  });
  return {
    output: { flags: inLayout(problem, emptyRows), depth: valueDim },
    weights: { flags: pairs.map((attended) => 1 - attended), depth: 1 },
    logSumExp: { flags: nothingToSum, depth: 1 },
    rowMax: { flags: nothingToSum, depth: 1 },
    rowSum: { flags: nothingToSum, depth: 1 },
  };
}

/** The excluded entries of the gradients. */
export function excludedGradients(
  problem: AttentionProblem,
  inputs: PlainInputs,
  { pairs, emptyRows }: Attended,
): Excluded {
  const { heads, headDim, valueDim, keyLength } = problem;
  const starts = rowStarts(problem);
  const keys = new Uint8Array(inputs.key.data.length / headDim).fill(1);
  const values = new Uint8Array(inputs.value.data.length / valueDim).fill(1);
  const biases = new Uint8Array(inputs.bias?.data.length ?? 0).fill(1);
  const [biasB, biasH, biasI, biasJ] = broadcastStrides(problem.bias?.shape ?? [1, 1, 1, 1]);
  eachRow(problem, (b, h, i, at) => {
    const biasRow = b * biasB + h * biasH + i * biasI;
    for (let j = 0; j < keyLength; j++) {
      if (pairs[at * keyLength + j] === 0) continue;
      keys[starts.key(b, h, j) / headDim] = 0;
      values[starts.value(b, h, j) / valueDim] = 0;
      if (problem.bias) biases[biasRow + j * biasJ] = 0;
    }
  });
  return {
    dQuery: { flags: inLayout(problem, emptyRows), depth: headDim },
    dKey: { flags: keys, depth: headDim },
    dValue: { flags: values, depth: valueDim },
    dBias: { flags: biases, depth: 1 },
    dSinks: { flags: new Uint8Array(heads), depth: 1 },
  };
}

/** Puts flags of rows `[B, Hq, Lq]` into the order of query rows in the problem's layout. */
function inLayout(problem: AttentionProblem, flags: Uint8Array): Uint8Array {
  const { layout, heads, queryLength } = problem;
  if (layout === 'bhld') return flags;
  const result = new Uint8Array(flags.length);
  eachRow(problem, (b, h, i, at) => {
    result[(b * queryLength + i) * heads + h] = flags[at]!;
  });
  return result;
}

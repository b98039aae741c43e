import type { AttentionInputs, AttentionProblem, BroadcastShape, Tensor } from '@heed/core';
import {
  type RowStrides,
  broadcastStrides,
  cacheStrides,
  gumbelNoise,
  rowStrides,
  visibleKeys,
} from '@heed/core/backend';
import type { Arithmetic } from './arithmetic.ts';

export type PlainInputs = AttentionInputs<Tensor>;

/** The scores of one query row. */
export interface ScoreRow {
  /** Keys that the row may attend to, in ascending order. */
  readonly keys: readonly number[];
  /** For each of `keys`: the score that enters the softmax. */
  readonly scores: readonly number[];
  /** For each of `keys`: tanh(score / c), or 0 without a softcap. */
  readonly saturation: readonly number[];
  /** For each of `keys`: the score plus the noise of selection `sample`; otherwise the score. */
  readonly candidates: readonly number[];
}

/** Starts of rows in the tensors of a problem. `h` is always a query head. */
export interface RowStarts {
  query(b: number, h: number, i: number): number;
  key(b: number, h: number, j: number): number;
  value(b: number, h: number, j: number): number;
  output(b: number, h: number, i: number): number;
}

export function rowStarts(problem: AttentionProblem): RowStarts {
  const { layout, heads, kvHeads, queryLength, headDim, valueDim } = problem;
  const startOf =
    (headCount: number, strides: RowStrides) =>
    (b: number, h: number, row: number): number => {
      const head = Math.floor(h / (heads / headCount));
      return b * strides.batch + head * strides.head + row * strides.row;
    };
  return {
    query: startOf(heads, rowStrides(layout, heads, queryLength, headDim)),
    key: startOf(kvHeads, cacheStrides(problem, headDim)),
    value: startOf(kvHeads, cacheStrides(problem, valueDim)),
    output: startOf(heads, rowStrides(layout, heads, queryLength, valueDim)),
  };
}

/** The keys that row (b, h, i) may attend to, in ascending order. */
export function attendedKeys(
  problem: AttentionProblem,
  inputs: PlainInputs,
): (b: number, h: number, i: number) => number[] {
  const visible = visibleKeys(problem, inputs);
  const mask = broadcastReader(problem.mask?.shape, inputs.mask);
  const bias = broadcastReader(problem.bias?.shape, inputs.bias);
  const excluding = problem.mask?.kind === 'boolean' ? 0 : -Infinity;
  return (b, h, i) => {
    const keys: number[] = [];
    const end = visible.end(b, i);
    for (let j = visible.first(b, i); j < end; j++) {
      const c = visible.place(j);
      if (!visible.exists(b, j)) continue;
      if (problem.mask && mask(b, h, i, c) === excluding) continue;
      if (problem.bias && bias(b, h, i, c) === -Infinity) continue;
      if (problem.segments) {
        const segment = inputs.querySegments!.data[b * problem.queryLength + i];
        if (segment !== inputs.keySegments!.data[b * problem.keyLength + c]) continue;
      }
      keys.push(j);
    }
    return keys;
  };
}

/** The scores of row (b, h, i) in SPEC.md's order: every operation is rounded, sums run in one loop. */
export function naiveScores(
  problem: AttentionProblem,
  inputs: PlainInputs,
  arithmetic: Arithmetic,
): (b: number, h: number, i: number) => ScoreRow {
  const { round, nearest, backwards, scaledQuery } = arithmetic;
  const starts = rowStarts(problem);
  const visible = visibleKeys(problem, inputs);
  const keysOf = attendedKeys(problem, inputs);
  const mask = broadcastReader(problem.mask?.shape, inputs.mask);
  const bias = broadcastReader(problem.bias?.shape, inputs.bias);
  const scale = nearest(problem.scale);
  const query = new Float64Array(inputs.query.data);
  const key = new Float64Array(inputs.key.data);

  const scaledDot = (q: number, k: number): number => {
    const last = problem.headDim - 1;
    let sum = 0;
    for (let n = 0; n <= last; n++) {
      const d = backwards ? last - n : n;
      const factor = scaledQuery ? round(query[q + d]! * scale) : query[q + d]!;
      sum = round(sum + round(factor * key[k + d]!));
    }
    return scaledQuery ? sum : round(scale * sum);
  };
  return (b, h, i) => {
    const row = { keys: [] as number[], scores: [] as number[], saturation: [] as number[] };
    const position = i + visible.offset(b);
    const q = starts.query(b, h, i);
    for (const j of keysOf(b, h, i)) {
      const c = visible.place(j);
      let score = scaledDot(q, starts.key(b, h, c));
      let saturation = 0;
      if (problem.softcap !== null) {
        saturation = round(Math.tanh(round(score / problem.softcap)));
        score = round(problem.softcap * saturation);
      }
      if (problem.bias) score = nearest(score + bias(b, h, i, c));
      if (problem.alibi)
        score = nearest(score - round(inputs.alibiSlopes!.data[h]! * Math.abs(position - j)));
      if (problem.mask?.kind === 'float') score = nearest(score + mask(b, h, i, c));
      // A sum that overflows excludes its key, also where no operation is rounded to the type: clause `overflow`.
      if ((problem.dtype === 'float64' ? score : Math.fround(score)) === -Infinity) continue;
      row.keys.push(j);
      row.scores.push(score);
      row.saturation.push(saturation);
    }
    return { ...row, candidates: candidatesOf(problem, inputs, row, [b, h, i], arithmetic) };
  };
}

function candidatesOf(
  problem: AttentionProblem,
  inputs: PlainInputs,
  { keys, scores }: Pick<ScoreRow, 'keys' | 'scores'>,
  [b, h, i]: readonly [b: number, h: number, i: number],
  { round }: Arithmetic,
): readonly number[] {
  if (problem.selection !== 'sample') return scores;
  const from = inputs.origin ?? { batch: 0, head: 0, query: 0, key: 0 };
  const noise = (j: number): number =>
    gumbelNoise(inputs.seed!, b + from.batch, h + from.head, i + from.query, j + from.key);
  return scores.map((score, n) => round(score + round(noise(keys[n]!))));
}

function broadcastReader(
  shape: BroadcastShape | undefined,
  given: Tensor | undefined,
): (b: number, h: number, i: number, j: number) => number {
  if (shape === undefined || given === undefined) return () => 0;
  const [batch, head, row, column] = broadcastStrides(shape);
  return (b, h, i, j) => given.data[b * batch + h * head + i * row + j * column]!;
}

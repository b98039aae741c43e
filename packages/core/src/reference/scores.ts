import { gumbelNoise } from '../backend/gumbel.ts';
import { type RowStrides, broadcastStrides, cacheStrides, rowStrides } from '../backend/strides.ts';
import { visibleKeys } from '../backend/visible-keys.ts';
import type { AttentionInputs } from '../inputs.ts';
import type { AttentionProblem } from '../problem.ts';
import type { Tensor } from '../tensor.ts';

/** Start of row (b, h, i) in each tensor, and the key/value head that it reads. */
export interface Rows {
  query(b: number, h: number, i: number): number;
  key(b: number, h: number, j: number): number;
  value(b: number, h: number, j: number): number;
  output(b: number, h: number, i: number): number;
}

/** SPEC.md, clauses `layout`, `gqa` and `cache`. `h` is always a query head. */
export function rowsOf(problem: AttentionProblem): Rows {
  const { layout, heads, kvHeads, queryLength, headDim, valueDim } = problem;
  const group = heads / kvHeads;
  const start =
    (strides: RowStrides, headsPerKv: number) =>
    (b: number, h: number, l: number): number =>
      b * strides.batch + Math.floor(h / headsPerKv) * strides.head + l * strides.row;
  return {
    query: start(rowStrides(layout, heads, queryLength, headDim), 1),
    key: start(cacheStrides(problem, headDim), group),
    value: start(cacheStrides(problem, valueDim), group),
    output: start(rowStrides(layout, heads, queryLength, valueDim), 1),
  };
}

/** A score before and after each step that the gradient must reverse. */
export interface Scores {
  /** Keys that the row may attend to, in ascending order. */
  readonly keys: readonly number[];
  /** For each of `keys`: the score that enters the softmax. */
  readonly score: readonly number[];
  /** For each of `keys`: tanh(score / c) of the softcap, or 0 without one. */
  readonly saturation: readonly number[];
}

/** The scores of query row (b, h, i), step by step in the order of SPEC.md, clause `order`. */
export function scorer(
  problem: AttentionProblem,
  inputs: AttentionInputs<Tensor>,
): (b: number, h: number, i: number) => Scores {
  const { headDim, scale, softcap } = problem;
  const rows = rowsOf(problem);
  const visible = visibleKeys(problem, inputs);
  const mask = broadcastReader(problem.mask?.shape, inputs.mask);
  const bias = broadcastReader(problem.bias?.shape, inputs.bias);
  // In float64 for every element type: loops are compiled for one type.
  const query = new Float64Array(inputs.query.data);
  const key = new Float64Array(inputs.key.data);

  const dot = (q: number, k: number): number => {
    let sum = 0;
    for (let d = 0; d < headDim; d++) sum += query[q + d]! * key[k + d]!;
    return sum;
  };

  const excluded = (b: number, h: number, i: number, j: number): boolean => {
    if (!visible.exists(b, j)) return true;
    const c = visible.place(j);
    if (problem.mask?.kind === 'boolean' && mask(b, h, i, c) === 0) return true;
    if (problem.mask?.kind === 'float' && mask(b, h, i, c) === -Infinity) return true;
    if (problem.bias !== null && bias(b, h, i, c) === -Infinity) return true;
    if (!problem.segments) return false;
    const querySegment = inputs.querySegments!.data[b * problem.queryLength + i];
    return querySegment !== inputs.keySegments!.data[b * problem.keyLength + c];
  };

  return (b, h, i) => {
    const keys: number[] = [];
    const score: number[] = [];
    const saturation: number[] = [];
    const position = i + visible.offset(b);
    const q = rows.query(b, h, i);
    const end = visible.end(b, i);
    for (let j = visible.first(b, i); j < end; j++) {
      if (excluded(b, h, i, j)) continue;
      const c = visible.place(j);
      let s = finiteOrNaN(scale * dot(q, rows.key(b, h, c)));
      const t = softcap === null ? 0 : Math.tanh(s / softcap);
      if (softcap !== null) s = softcap * t;
      if (problem.bias !== null) s += bias(b, h, i, c);
      if (problem.alibi) s -= finiteOrNaN(inputs.alibiSlopes!.data[h]! * Math.abs(position - j));
      if (problem.mask?.kind === 'float') s += mask(b, h, i, c);
      const rounded = problem.dtype === 'float64' ? s : Math.fround(s);
      // A sum of finite terms: any other would be NaN here. Clause `overflow`.
      if (rounded === -Infinity) continue;
      keys.push(j);
      score.push(Number.isFinite(rounded) ? s : NaN);
      saturation.push(t);
    }
    return { keys, score, saturation };
  };
}

/** Scores plus the noise of selection `sample`; the scores themselves otherwise. */
export function perturbed(
  problem: AttentionProblem,
  inputs: AttentionInputs<Tensor>,
  { keys, score }: Scores,
  [b, h, i]: readonly [b: number, h: number, i: number],
): readonly number[] {
  if (problem.selection !== 'sample') return score;
  const from = inputs.origin ?? { batch: 0, head: 0, query: 0, key: 0 };
  return score.map(
    (s, n) =>
      s + gumbelNoise(inputs.seed!, b + from.batch, h + from.head, i + from.query, keys[n]! + from.key),
  );
}

/** Makes an attended infinity visible, even where tanh or exp would hide it: clause `nonfinite`. */
function finiteOrNaN(score: number): number {
  return Number.isFinite(score) ? score : NaN;
}

function broadcastReader(
  shape: readonly [number, number, number, number] | undefined,
  tensor: Tensor | undefined,
): (b: number, h: number, i: number, j: number) => number {
  if (shape === undefined || tensor === undefined) return () => 0;
  const [sb, sh, sq, sk] = broadcastStrides(shape);
  return (b, h, i, j) => tensor.data[b * sb + h * sh + i * sq + j * sk]!;
}

import type {
  AttentionGradients,
  AttentionProblem,
  AttentionResults,
  GradientInputs,
  Tensor,
} from '@heed/core';
import { broadcastStrides, zeros } from '@heed/core/backend';
import { EXACT } from '../judge/arithmetic.ts';
import { eachRow } from '../judge/naive-forward.ts';
import { type PlainInputs, naiveScores, rowStarts } from '../judge/naive-scores.ts';

const round = Math.fround;

/** Ways in which correct engines that compute in float32 differ from the naive computation. */
export interface Float32Manner {
  /** Partial sums of a dot product, as of SIMD lanes. */
  readonly lanes: number;
  /** Keys to a tile of the online softmax. */
  readonly tile: number;
  /** Exponentials by exp2, as GPUs have them. */
  readonly base2: boolean;
  /** The scale multiplies the query, not the score. */
  readonly scaledQuery: boolean;
}

/** A dot product in lanes, every operation rounded. */
function dot(a: ArrayLike<number>, b: ArrayLike<number>, lanes: number): number {
  const sums = new Float32Array(lanes);
  for (let d = 0; d < a.length; d++) sums[d % lanes] = sums[d % lanes]! + round(a[d]! * b[d]!);
  return sums.reduce((sum, lane) => round(sum + lane), 0);
}

function rowAt({ data }: Tensor, start: number, length: number): number[] {
  return Array.from(data.subarray(start, start + length));
}

/** The exponential of a difference of scores. */
function power(score: number, max: number, base2: boolean): number {
  const difference = round(score - max);
  return round(base2 ? 2 ** round(difference * round(Math.LOG2E)) : Math.exp(difference));
}

/** Scores of a row; the keys and all terms but the product are those of the naive computation. */
function scorer(problem: AttentionProblem, inputs: PlainInputs, { lanes, scaledQuery }: Float32Manner) {
  const starts = rowStarts(problem);
  const { headDim, scale, softcap } = problem;
  const zero = { ...inputs, query: { ...inputs.query, data: new Float32Array(inputs.query.data.length) } };
  const termsOf = naiveScores({ ...problem, softcap: null }, zero as PlainInputs, {
    ...EXACT,
    round,
    nearest: round,
  });
  return (b: number, h: number, i: number) => {
    const query = rowAt(inputs.query, starts.query(b, h, i), headDim);
    const scaled = query.map((number) => round(number * round(scale)));
    const { keys, scores: terms } = termsOf(b, h, i);
    const saturation: number[] = [];
    const scores = keys.map((j, n) => {
      const key = rowAt(inputs.key, starts.key(b, h, j), headDim);
      const product = scaledQuery ? dot(scaled, key, lanes) : round(round(scale) * dot(query, key, lanes));
      const tanh = softcap === null ? 0 : round(Math.tanh(round(product / softcap)));
      saturation.push(tanh);
      return round((softcap === null ? product : round(softcap * tanh)) + terms[n]!);
    });
    // A sum of −∞ excludes its key: SPEC.md, clause `overflow`.
    const attended = scores.map((score) => score !== -Infinity);
    const of = (numbers: readonly number[]): number[] => numbers.filter((_, n) => attended[n]);
    return { keys: of(keys), scores: of(scores), saturation: of(saturation) };
  };
}

/** FlashAttention's forward pass with one query row a tile, in float32. */
export function float32Forward(
  problem: AttentionProblem,
  inputs: PlainInputs,
  manner: Float32Manner,
): AttentionResults<Tensor> {
  const { batch, heads, queryLength, keyLength, valueDim, layout, outputs } = problem;
  const rows = [batch, heads, queryLength];
  const starts = rowStarts(problem);
  const rowOf = scorer(problem, inputs, manner);
  const all = {
    output: zeros('float32', layout === 'bhld' ? [...rows, valueDim] : [batch, queryLength, heads, valueDim]),
    weights: zeros('float32', outputs.includes('weights') ? [...rows, keyLength] : [0]),
    logSumExp: zeros('float32', rows),
    statistics: { rowMax: zeros('float32', rows), rowSum: zeros('float32', rows) },
    choice: zeros('int32', rows),
  };
  eachRow(problem, (b, h, i, at) => {
    const { keys, scores } = rowOf(b, h, i);
    let max = problem.sinks ? inputs.sinks!.data[h]! : -Infinity;
    let sum = max === -Infinity ? 0 : 1;
    const output = new Float32Array(valueDim);
    for (let from = 0; from < keys.length; from += manner.tile) {
      const to = Math.min(keys.length, from + manner.tile);
      const larger = Math.max(max, ...scores.slice(from, to));
      const shrink = max === -Infinity ? 0 : power(max, larger, manner.base2);
      max = larger;
      sum = round(sum * shrink);
      for (let d = 0; d < valueDim; d++) output[d] = output[d]! * shrink;
      for (let n = from; n < to; n++) {
        const exponential = power(scores[n]!, max, manner.base2);
        sum = round(sum + exponential);
        const value = starts.value(b, h, keys[n]!);
        for (let d = 0; d < valueDim; d++)
          output[d] = output[d]! + round(exponential * inputs.value.data[value + d]!);
      }
    }
    const reciprocal = round(1 / sum);
    if (keys.length > 0)
      all.output.data.set(
        output.map((number) => number * reciprocal),
        starts.output(b, h, i),
      );
    all.statistics.rowMax.data[at] = max;
    all.statistics.rowSum.data[at] = sum;
    all.logSumExp.data[at] = sum === 0 ? -Infinity : max + round(Math.log(sum));
    if (!outputs.includes('weights')) return;
    keys.forEach((j, n) => {
      all.weights.data[at * keyLength + j] = power(scores[n]!, max, manner.base2) * reciprocal;
    });
  });
  return Object.fromEntries(outputs.map((name) => [name, all[name]]));
}

/** FlashAttention's backward pass: weights recomputed from the statistics, the row mean as dO · O (appendix B.4). */
export function float32Gradient(
  problem: AttentionProblem,
  inputs: PlainInputs,
  forward: GradientInputs<Tensor>,
  manner: Float32Manner,
): AttentionGradients<Tensor> {
  const { headDim, valueDim, softcap, scale } = problem;
  const { lanes, base2 } = manner;
  const starts = rowStarts(problem);
  const rowOf = scorer(problem, inputs, manner);
  const dQuery = zeros('float32', inputs.query.shape);
  const dKey = zeros('float32', inputs.key.shape);
  const dValue = zeros('float32', inputs.value.shape);
  const dBias = problem.bias ? zeros('float32', inputs.bias!.shape) : null;
  const dSinks = problem.sinks ? zeros('float32', [problem.heads]) : null;
  const strides = broadcastStrides(problem.bias?.shape ?? [1, 1, 1, 1]);
  eachRow(problem, (b, h, i, at) => {
    const { keys, scores, saturation } = rowOf(b, h, i);
    const max = forward.statistics.rowMax.data[at]!;
    const sum = forward.statistics.rowSum.data[at]!;
    const [q, o] = [starts.query(b, h, i), starts.output(b, h, i)];
    const dOutput = rowAt(forward.dOutput, o, valueDim);
    const mean = keys.length === 0 ? 0 : dot(dOutput, rowAt(forward.output, o, valueDim), lanes);
    keys.forEach((j, n) => {
      const [k, v] = [starts.key(b, h, j), starts.value(b, h, j)];
      const weight = round(power(scores[n]!, max, base2) / sum);
      const dWeight = dot(dOutput, rowAt(inputs.value, v, valueDim), lanes);
      const dScore = round(weight * round(dWeight - mean));
      const slope = softcap === null ? 1 : round(1 - round(saturation[n]! ** 2));
      const dProduct = round(round(dScore * slope) * round(scale));
      for (let d = 0; d < headDim; d++) {
        dQuery.data[q + d]! += round(dProduct * inputs.key.data[k + d]!);
        dKey.data[k + d]! += round(dProduct * inputs.query.data[q + d]!);
      }
      for (let d = 0; d < valueDim; d++) dValue.data[v + d]! += round(weight * dOutput[d]!);
      const pair = [b, h, i, j].reduce((place, index, axis) => place + index * strides[axis]!, 0);
      if (dBias) dBias.data[pair]! += dScore;
    });
    const sink = dSinks ? inputs.sinks!.data[h]! : -Infinity;
    if (sink !== -Infinity) dSinks!.data[h]! -= round(round(power(sink, max, base2) / sum) * mean);
  });
  return { dQuery, dKey, dValue, ...(dBias && { dBias }), ...(dSinks && { dSinks }) };
}

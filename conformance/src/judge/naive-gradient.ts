import type { AttentionProblem, Tensor } from '@heed/core';
import { broadcastStrides, zeros } from '@heed/core/backend';
import { type Arithmetic, eachTerm } from './arithmetic.ts';
import { keptFactor, naiveRows, placeOf } from './naive-forward.ts';
import { type PlainInputs, rowStarts } from './naive-scores.ts';

/**
 * The gradients of soft attention as a beginner would write them: row by row, sums in one loop, every
 * operation rounded. The formulas are those of FlashAttention (Dao et al. 2022, appendix B.4), with the row mean of
 * dW as dO · O: where one key has nearly all the weight, that cancels less well than Σ w dW does, and engines that
 * stream over keys have no other way. By the names of comparisons: `dQuery`, `dKey`, `dValue`, and `dBias` and
 * `dSinks` where the problem has them.
 */
export function naiveGradient(
  problem: AttentionProblem,
  inputs: PlainInputs,
  dOutput: Tensor,
  arithmetic: Arithmetic,
): Record<string, Tensor> {
  const { batch, heads, queryLength, headDim, valueDim, softcap } = problem;
  const { round } = arithmetic;
  const scale = arithmetic.nearest(problem.scale);
  const starts = rowStarts(problem);
  const rowOf = naiveRows(problem, inputs, arithmetic);
  const kept = keptFactor(problem, inputs, arithmetic);
  const dQuery = zeros('float64', inputs.query.shape);
  const dKey = zeros('float64', inputs.key.shape);
  const dValue = zeros('float64', inputs.value.shape);
  const dBias = problem.bias ? zeros('float64', inputs.bias!.shape) : null;
  const dSinks = problem.sinks ? zeros('float64', [problem.heads]) : null;
  const [biasB, biasH, biasI, biasJ] = broadcastStrides(problem.bias?.shape ?? [1, 1, 1, 1]);
  const [query, key, value] = [
    new Float64Array(inputs.query.data),
    new Float64Array(inputs.key.data),
    new Float64Array(inputs.value.data),
  ];
  const dO = new Float64Array(dOutput.data);
  const add = (target: Tensor, at: number, number: number): void => {
    target.data[at] = round(target.data[at]! + number);
  };
  const sumOf = (count: number, term: (n: number) => number): number => {
    let sum = 0;
    eachTerm(count, arithmetic, (n) => {
      sum = round(sum + term(n));
    });
    return sum;
  };

  eachTerm(batch * heads * queryLength, arithmetic, (row) => {
    const [b, h, i] = placeOf(problem, row);
    const { keys, weights, sinkWeight, saturation } = rowOf(b, h, i);
    const q = starts.query(b, h, i);
    const o = starts.output(b, h, i);
    const valueRows = keys.map((j) => starts.value(b, h, j));
    const readWeights = keys.map((j, n) => kept(weights[n]!, b, h, i, j));
    const mean = sumOf(valueDim, (d) => {
      const output = sumOf(keys.length, (n) => round(readWeights[n]! * value[valueRows[n]! + d]!));
      return round(dO[o + d]! * output);
    });

    eachTerm(keys.length, arithmetic, (n) => {
      const [j, v] = [keys[n]!, valueRows[n]!];
      const k = starts.key(b, h, j);
      const dRead = sumOf(valueDim, (d) => round(dO[o + d]! * value[v + d]!));
      const dWeight = kept(dRead, b, h, i, j);
      const dScore = round(weights[n]! * round(dWeight - mean));
      const slope = round(1 - round(saturation[n]! * saturation[n]!));
      const dProduct = round(scale * (softcap === null ? dScore : round(dScore * slope)));
      for (let d = 0; d < valueDim; d++) add(dValue, v + d, round(readWeights[n]! * dO[o + d]!));
      for (let d = 0; d < headDim; d++) {
        add(dQuery, q + d, round(dProduct * key[k + d]!));
        add(dKey, k + d, round(dProduct * query[q + d]!));
      }
      if (dBias) add(dBias, b * biasB + h * biasH + i * biasI + j * biasJ, dScore);
    });
    if (dSinks) add(dSinks, h, round(sinkWeight * -mean));
  });
  return { dQuery, dKey, dValue, ...(dBias && { dBias }), ...(dSinks && { dSinks }) };
}

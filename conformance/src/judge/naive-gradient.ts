import type { AttentionProblem, Tensor } from '@heed/core';
import { broadcastStrides, zeros } from '@heed/core/backend';
import { eachRow, naiveRows } from './naive-forward.ts';
import { type PlainInputs, type Round, rowStarts } from './naive-scores.ts';

/**
 * The gradients of soft attention as a beginner would write them: row by row, sums in one sequential loop, every
 * operation rounded. The formulas are those of FlashAttention (Dao et al. 2022, appendix B.2). By the names of
 * comparisons: `dQuery`, `dKey`, `dValue`, and `dBias` and `dSinks` where the problem has them.
 */
export function naiveGradient(
  problem: AttentionProblem,
  inputs: PlainInputs,
  dOutput: Tensor,
  round: Round,
): Record<string, Tensor> {
  const { headDim, valueDim, softcap } = problem;
  const scale = round(problem.scale);
  const starts = rowStarts(problem);
  const rowOf = naiveRows(problem, inputs, round);
  const dQuery = zeros('float64', inputs.query.shape);
  const dKey = zeros('float64', inputs.key.shape);
  const dValue = zeros('float64', inputs.value.shape);
  const dBias = problem.bias ? zeros('float64', inputs.bias!.shape) : null;
  const dSinks = problem.sinks ? zeros('float64', [problem.heads]) : null;
  const [biasB, biasH, biasI, biasJ] = broadcastStrides(problem.bias?.shape ?? [1, 1, 1, 1]);
  const add = (target: Tensor, at: number, number: number): void => {
    target.data[at] = round(target.data[at]! + number);
  };

  eachRow(problem, (b, h, i) => {
    const { keys, weights, sinkWeight, saturation } = rowOf(b, h, i);
    const q = starts.query(b, h, i);
    const o = starts.output(b, h, i);
    const dWeights = keys.map((j) => {
      const v = starts.value(b, h, j);
      let sum = 0;
      for (let d = 0; d < valueDim; d++) {
        sum = round(sum + round(dOutput.data[o + d]! * inputs.value.data[v + d]!));
      }
      return sum;
    });
    const mean = weights.reduce((sum, weight, n) => round(sum + round(weight * dWeights[n]!)), 0);

    keys.forEach((j, n) => {
      const k = starts.key(b, h, j);
      const v = starts.value(b, h, j);
      const dScore = round(weights[n]! * round(dWeights[n]! - mean));
      const dCapped =
        softcap === null ? dScore : round(dScore * round(1 - round(saturation[n]! * saturation[n]!)));
      const dProduct = round(scale * dCapped);
      for (let d = 0; d < valueDim; d++) add(dValue, v + d, round(weights[n]! * dOutput.data[o + d]!));
      for (let d = 0; d < headDim; d++) {
        add(dQuery, q + d, round(dProduct * inputs.key.data[k + d]!));
        add(dKey, k + d, round(dProduct * inputs.query.data[q + d]!));
      }
      if (dBias) add(dBias, b * biasB + h * biasH + i * biasI + j * biasJ, dScore);
    });
    if (dSinks) add(dSinks, h, round(sinkWeight * -mean));
  });
  return { dQuery, dKey, dValue, ...(dBias && { dBias }), ...(dSinks && { dSinks }) };
}

import type { AttentionInputs } from '../inputs.ts';
import type { AttentionProblem } from '../problem.ts';
import type { AttentionGradients } from '../results.ts';
import { numbersOf, widened } from '../float16.ts';
import { type Tensor, zeros } from '../tensor.ts';
import { contiguousCache } from '../backend/contiguous-cache.ts';
import { dropoutOf } from '../backend/dropout.ts';
import { broadcastStrides } from '../backend/strides.ts';
import { softmax } from './forward.ts';
import { rowsOf, scorer } from './scores.ts';

/**
 * Gradients of soft attention in float64, one query row at a time, by the formulas of FlashAttention
 * (Dao et al. 2022, appendix B.2):
 *
 *     dV_j += w_j · dO        dW_j = dO · V_j        dS_j = w_j (dW_j − Σ w dW)
 *
 * then back through bias, softcap and scale. Dropout multiplies w_j in dV_j, and dW_j, by 0 or 1 / (1 − p). Forward weights are recomputed; nothing of size Lq · Lk is kept.
 *
 * @param whole the output over all keys if these are a part of them: the mean of a row is then dO · whole.
 */
export function referenceGradient(
  problem: AttentionProblem,
  given: AttentionInputs<Tensor>,
  dOutput: Tensor,
  whole: Tensor | null = null,
): AttentionGradients {
  const inputs = contiguousCache(problem, widened(given));
  const { batch, heads, queryLength, headDim, valueDim, scale, softcap } = problem;
  const rows = rowsOf(problem);
  const scoresOf = scorer(problem, inputs);
  const dropout = dropoutOf(problem, inputs);
  const [query, key, value] = [
    new Float64Array(inputs.query.data),
    new Float64Array(inputs.key.data),
    new Float64Array(inputs.value.data),
  ];
  const dO = new Float64Array(numbersOf(dOutput));
  const outputOfAll = whole && new Float64Array(numbersOf(whole));
  const dQuery = zeros('float64', inputs.query.shape);
  const dKey = zeros('float64', inputs.key.shape);
  const dValue = zeros('float64', inputs.value.shape);
  const dBias = problem.bias && zeros('float64', inputs.bias!.shape);
  const dSinks = problem.sinks ? zeros('float64', [heads]) : null;
  const [biasB, biasH, biasI, biasJ] = broadcastStrides(problem.bias?.shape ?? [1, 1, 1, 1]);

  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      for (let i = 0; i < queryLength; i++) {
        const { keys, score, saturation } = scoresOf(b, h, i);
        const sink = problem.sinks ? inputs.sinks!.data[h]! : null;
        const { weights, sinkWeight } = softmax(score, sink);
        const q = rows.query(b, h, i);
        const o = rows.output(b, h, i);

        const kept = keys.map((j) => dropout?.kept(b, h, i, j) ?? 1);
        const dWeights = keys.map((j, n) => {
          const v = rows.value(b, h, j);
          let sum = 0;
          for (let d = 0; d < valueDim; d++) sum += dO[o + d]! * value[v + d]!;
          return sum * kept[n]!;
        });
        const mean =
          outputOfAll === null
            ? weights.reduce((sum, weight, n) => sum + weight * dWeights[n]!, 0)
            : innerProduct(dO, outputOfAll, o, valueDim);

        keys.forEach((j, n) => {
          const k = rows.key(b, h, j);
          const v = rows.value(b, h, j);
          const dScore = weights[n]! * (dWeights[n]! - mean);
          const dCapped = softcap === null ? dScore : dScore * (1 - saturation[n]! ** 2);
          const dProduct = scale * dCapped;
          const weight = weights[n]! * kept[n]!;
          for (let d = 0; d < valueDim; d++) dValue.data[v + d]! += weight * dO[o + d]!;
          for (let d = 0; d < headDim; d++) {
            dQuery.data[q + d]! += dProduct * key[k + d]!;
            dKey.data[k + d]! += dProduct * query[q + d]!;
          }
          if (dBias) dBias.data[b * biasB + h * biasH + i * biasI + j * biasJ]! += dScore;
        });
        if (dSinks) dSinks.data[h]! += sinkWeight * -mean;
      }
    }
  }
  return { dQuery, dKey, dValue, ...(dBias && { dBias }), ...(dSinks && { dSinks }) };
}

function innerProduct(a: Float64Array, b: Float64Array, at: number, length: number): number {
  let sum = 0;
  for (let d = at; d < at + length; d++) sum += a[d]! * b[d]!;
  return sum;
}

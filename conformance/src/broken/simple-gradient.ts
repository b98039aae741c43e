import {
  type AttentionGradients,
  type AttentionProblem,
  type GradientInputs,
  type Tensor,
  cast,
} from '@heed/core';
import { computeDType, gradientDType, widened, zeros } from '@heed/core/backend';
import { eachPlace } from './simple-forward.ts';
import { type Inputs, keptOf, placesOf, rowOf } from './simple-row.ts';
import type { Steps } from './steps.ts';

/** The gradients of soft attention row by row; sums are float64, and rounded at the end. */
export function simpleGradient(
  steps: Steps,
  problem: AttentionProblem,
  given: Inputs,
  forward: GradientInputs<Tensor>,
): AttentionGradients<Tensor> {
  const { dOutput, ...inputs } = widened({ ...given, dOutput: forward.dOutput });
  const whole = steps.outputOfWhole(forward);
  const { headDim, valueDim, softcap } = problem;
  const places = placesOf(steps, problem);
  const scale = steps.scale(problem);
  const like = ({ shape }: Tensor): Tensor<'float64'> => zeros('float64', shape);
  const sums = {
    dQuery: like(inputs.query),
    dKey: like(inputs.key),
    dValue: like(inputs.value),
    ...(problem.bias && { dBias: like(inputs.bias!) }),
    ...(problem.sinks && { dSinks: like(inputs.sinks!) }),
  };

  eachPlace(problem, (place) => {
    const [b, h, i] = place;
    const { keys, weights, saturation, sinkWeight } = rowOf(steps, problem, inputs, place);
    const q = places.query(place);
    const o = places.output(place);
    const kept = keys.map((j) => keptOf(steps, problem, inputs, place, j, true));
    const dWeights = keys.map((j, n) => {
      const v = places.value(b, h, j);
      let sum = 0;
      for (let d = 0; d < valueDim; d++) sum += dOutput.data[o + d]! * inputs.value.data[v + d]!;
      return sum * steps.keptInDWeight(kept[n]!);
    });
    const mean =
      whole === null
        ? weights.reduce((sum, weight, n) => sum + weight * dWeights[n]!, 0)
        : innerProduct(dOutput, whole, o, valueDim);
    keys.forEach((j, n) => {
      const dScore = steps.dScore({ weight: weights[n]!, dWeight: dWeights[n]!, mean });
      const dCapped = softcap === null ? dScore : steps.dSoftcap(dScore, saturation[n]!);
      const dProduct = steps.dProduct(dCapped, scale);
      const k = places.key(b, h, j);
      const v = places.value(b, h, j);
      for (let d = 0; d < headDim; d++) {
        sums.dQuery.data[q + d]! += dProduct * inputs.key.data[k + d]!;
        steps.addToKey(sums.dKey.data, k + d, dProduct * inputs.query.data[q + d]!);
      }
      const weight = weights[n]! * steps.keptInDValue(kept[n]!);
      for (let d = 0; d < valueDim; d++) sums.dValue.data[v + d]! += weight * dOutput.data[o + d]!;
      if (sums.dBias)
        steps.addToBias(sums.dBias.data, steps.broadcast(problem.bias!.shape, [b, h, i, j]), dScore);
    });
    if (sums.dSinks) steps.addToSinks(sums.dSinks.data, h, steps.dSink(sinkWeight, mean));
  });
  return rounded(steps, sums, problem) as unknown as AttentionGradients<Tensor>;
}

function rounded(steps: Steps, sums: object, problem: AttentionProblem): object {
  const { dtype } = problem;
  return Object.fromEntries(
    Object.entries(sums).map(([name, sum]: [string, Tensor<'float64'>]) => {
      const result = cast(sum, computeDType(dtype));
      return [name, name === 'dSinks' ? result : steps.roundResult(result, gradientDType(problem, name))];
    }),
  );
}

function innerProduct(a: Tensor, b: Tensor, at: number, length: number): number {
  let sum = 0;
  for (let d = at; d < at + length; d++) sum += a.data[d]! * b.data[d]!;
  return sum;
}

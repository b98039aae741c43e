import type { AttentionGradients, AttentionProblem, Tensor } from '@heed/core';
import { gradientDType, writeSlices, zeros } from '@heed/core/backend';
import type { KeyPart } from '../plan/parts.ts';

/**
 * Joins the gradients of parts: concatenates those of keys, and sums those that all parts contribute to in their order,
 * in float64. `dKey` and `dValue` are left out where workers stored them.
 */
export function mergeGradients(
  problem: AttentionProblem,
  inputs: {
    readonly key: readonly number[];
    readonly value: readonly number[];
    readonly bias?: readonly number[];
  },
  parts: readonly KeyPart[],
  gradients: readonly Partial<AttentionGradients>[],
): Partial<AttentionGradients> {
  const axis = problem.layout === 'bhld' ? 2 : 1;
  const [first] = gradients;
  const beside = (name: 'dKey' | 'dValue' | 'dBias', shape: readonly number[], along: number): Tensor => {
    const whole = zeros(gradientDType(problem, name), shape);
    for (const [index, { start }] of parts.entries()) {
      writeSlices(whole, gradients[index]![name]!, { axis: along, start });
    }
    return whole;
  };
  const isBiasCut = problem.bias?.shape[3] === problem.keyLength && problem.keyLength > 1;
  const { bias } = inputs;
  return {
    dQuery: summed(gradients.map(({ dQuery }) => dQuery!)),
    ...(first!.dKey && { dKey: beside('dKey', inputs.key, axis) }),
    ...(first!.dValue && { dValue: beside('dValue', inputs.value, axis) }),
    ...(bias && {
      dBias: isBiasCut
        ? beside('dBias', bias, bias.length - 1)
        : summed(gradients.map(({ dBias }) => dBias!)),
    }),
    ...(problem.sinks && { dSinks: first!.dSinks! }),
  };
}

function summed(terms: readonly Tensor[]): Tensor {
  const sum = new Float64Array(terms[0]!.data.length);
  for (const { data } of terms) {
    for (let n = 0; n < sum.length; n++) sum[n]! += data[n]!;
  }
  const result = zeros(terms[0]!.dtype, terms[0]!.shape);
  result.data.set(sum);
  return result;
}

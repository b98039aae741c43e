import { type ComputeDType, type Tensor, zeros } from '../../tensor.ts';
import type { Tensors } from '../contract.ts';
import type { NormForward, NormGradientNames, NormInputs, NormProblem } from './contract.ts';

type Problem = Pick<Required<NormProblem>, 'kind' | 'epsilon'>;
type Data = Tensor<ComputeDType>['data'];

/**
 * The norm of each row, computed in float64 and rounded once: for engines of the host.
 *
 * @param output filled with the result.
 */
export function normHere(
  problem: Problem,
  { input, weight, bias }: NormInputs<Tensor>,
  output: Tensor = zeros(input.dtype as ComputeDType, input.shape),
): Tensor {
  const [width] = weight.shape as [number];
  const [from, to, factors] = [input.data, output.data, weight.data] as [Data, Data, Data];
  for (let at = 0; at < from.length; at += width) {
    const { mean, inverse } = statistics(problem, from, at, width);
    if (bias === undefined) {
      for (let e = 0; e < width; e++) to[at + e] = (from[at + e]! - mean) * inverse * factors[e]!;
    } else {
      for (let e = 0; e < width; e++)
        to[at + e] = (from[at + e]! - mean) * inverse * factors[e]! + bias.data[e]!;
    }
  }
  return output;
}

/**
 * The gradients of {@link normHere}, with sums over rows in their order.
 *
 * @param results filled with them.
 */
export function normGradientHere(
  problem: Problem,
  { input, weight, bias }: NormInputs<Tensor>,
  { dOutput, dResidual }: NormForward<Tensor>,
  results: Tensors<NormGradientNames, Tensor> = {
    dInput: zeros(input.dtype as ComputeDType, input.shape),
    dWeight: zeros(input.dtype as ComputeDType, weight.shape),
    ...(bias && { dBias: zeros(input.dtype as ComputeDType, weight.shape) }),
  },
): Tensors<NormGradientNames, Tensor> {
  const [width] = weight.shape as [number];
  const [data, d, factors] = [input.data, dOutput.data, weight.data] as [Data, Data, Data];
  const to = results.dInput.data as Data;
  const dWeight = new Float64Array(width);
  const dBias = new Float64Array(width);
  // Of one row: the normalized input, and its gradient.
  const normal = new Float64Array(width);
  const dNormal = new Float64Array(width);
  for (let at = 0; at < data.length; at += width) {
    // Padding, whose gradient is 0, must not contribute, since it may hold NaN.
    if (isZero(d, at, width)) {
      for (let e = 0; e < width; e++) to[at + e] = dResidual?.data[at + e] ?? 0;
      continue;
    }
    const { mean, inverse } = statistics(problem, data, at, width);
    let sum = 0;
    let weighted = 0;
    for (let e = 0; e < width; e++) {
      const gradient = d[at + e]!;
      const x = (data[at + e]! - mean) * inverse;
      const scaled = gradient * factors[e]!;
      normal[e] = x;
      dNormal[e] = scaled;
      dWeight[e]! += gradient * x;
      dBias[e]! += gradient;
      sum += scaled;
      weighted += scaled * x;
    }
    if (problem.kind === 'rms') sum = 0;
    for (let e = 0; e < width; e++) {
      const gradient = inverse * (dNormal[e]! - (sum + normal[e]! * weighted) / width);
      to[at + e] = dResidual === undefined ? gradient : gradient + dResidual.data[at + e]!;
    }
  }
  results.dWeight.data.set(dWeight);
  results.dBias?.data.set(dBias);
  return results;
}

function isZero(data: Data, at: number, width: number): boolean {
  for (let e = 0; e < width; e++) if (data[at + e] !== 0) return false;
  return true;
}

/** The mean of a row, 0 for `rms`, and 1 / √(mean of the squares + ε). */
function statistics(
  { kind, epsilon }: Problem,
  data: Data,
  at: number,
  width: number,
): { readonly mean: number; readonly inverse: number } {
  // Two sums each: one would wait for its last addition.
  const even = width - (width % 2);
  let mean = 0;
  if (kind === 'layer') {
    let [sum, sum2] = [0, even < width ? data[at + even]! : 0];
    for (let e = 0; e < even; e += 2) {
      sum += data[at + e]!;
      sum2 += data[at + e + 1]!;
    }
    mean = (sum + sum2) / width;
  }
  let [squares, squares2] = [0, even < width ? (data[at + even]! - mean) ** 2 : 0];
  for (let e = 0; e < even; e += 2) {
    const first = data[at + e]! - mean;
    const second = data[at + e + 1]! - mean;
    squares += first * first;
    squares2 += second * second;
  }
  return { mean, inverse: 1 / Math.sqrt((squares + squares2) / width + epsilon) };
}

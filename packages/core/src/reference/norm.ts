import type { Tensors } from '../operations/contract.ts';
import type { NormForward, NormGradientNames, NormInputs, NormProblem } from '../operations/norm/contract.ts';
import { type Tensor, sizeOf, zeros } from '../tensor.ts';

type Problem = Required<NormProblem>;

/** x of a row less its mean, over its deviation. */
function normalized({ kind, epsilon }: Problem, row: readonly number[]): { n: number[]; r: number } {
  const mean = kind === 'layer' ? row.reduce((a, b) => a + b, 0) / row.length : 0;
  const v = row.reduce((a, x) => a + (x - mean) ** 2, 0) / row.length;
  const r = 1 / Math.sqrt(v + epsilon);
  return { n: row.map((x) => (x - mean) * r), r };
}

const rowOf = ({ data }: Tensor, row: number, width: number): number[] =>
  Array.from({ length: width }, (_, e) => data[row * width + e]!);

/**
 * n · weight + bias of each row in float64, in its simplest form.
 *
 * @returns float64 `[…, E]`.
 */
export function referenceNorm(problem: Problem, { input, weight, bias }: NormInputs<Tensor>): Tensor {
  const { width } = problem;
  const output = zeros('float64', input.shape);
  for (let row = 0; row * width < sizeOf(input.shape); row++) {
    const { n } = normalized(problem, rowOf(input, row, width));
    n.forEach((x, e) => (output.data[row * width + e] = x * weight.data[e]! + (bias?.data[e] ?? 0)));
  }
  return output;
}

/** The gradients of {@link referenceNorm}, in float64. */
export function referenceNormGradient(
  problem: Problem,
  { input, weight, bias }: NormInputs<Tensor>,
  { dOutput, dResidual }: NormForward<Tensor>,
): Tensors<NormGradientNames, Tensor> {
  const { width, kind } = problem;
  const dInput = zeros('float64', input.shape);
  const dWeight = zeros('float64', [width]);
  const dBias = zeros('float64', [width]);
  for (let row = 0; row * width < sizeOf(input.shape); row++) {
    const d = rowOf(dOutput, row, width);
    const residual = dResidual ? rowOf(dResidual, row, width) : d.map(() => 0);
    // A row without influence may hold NaN.
    if (d.every((x) => x === 0)) {
      dInput.data.set(residual, row * width);
      continue;
    }
    const { n, r } = normalized(problem, rowOf(input, row, width));
    const dN = d.map((x, e) => x * weight.data[e]!);
    const mean = kind === 'layer' ? dN.reduce((a, b) => a + b, 0) / width : 0;
    const along = dN.reduce((a, x, e) => a + x * n[e]!, 0) / width;
    for (let e = 0; e < width; e++) {
      dInput.data[row * width + e] = r * (dN[e]! - mean - n[e]! * along) + residual[e]!;
      dWeight.data[e]! += d[e]! * n[e]!;
      dBias.data[e]! += d[e]!;
    }
  }
  return { dInput, dWeight, ...(bias && { dBias }) };
}

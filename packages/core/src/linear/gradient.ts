import { type ComputeDType, type Tensor, sizeOf, zeros } from '../tensor.ts';
import { CURVES } from './activation.ts';
import type { LinearGradients, LinearProblem } from './contract.ts';

/** Returns x wᵀ of x `[rows, k]` and w `[n, k]`, as `[rows, n]`. */
export type Multiply = (x: Tensor, w: Tensor) => Tensor | Promise<Tensor>;

/**
 * Gradients of a linear projection, from matrix products: dX = dZ W, dW = dZᵀ X, db = Σ dZ, with dZ the gradient of
 * the activation's argument. For engines that have a fast product.
 *
 * @param multiply the engine's product.
 * @param sum sums `[rows, out]` over its rows. Default: in float64, rounded once.
 * @param argument that of the activation, `[…, out]`. Default: computed again.
 */
export async function linearGradientBy(
  problem: Required<LinearProblem>,
  { weight, bias }: { readonly weight: Tensor; readonly bias?: Tensor | undefined },
  input: Tensor,
  dOutput: Tensor,
  multiply: Multiply,
  sum: (dZ: Tensor<ComputeDType>) => Tensor<ComputeDType> = sumOfRows,
  argument?: Tensor,
): Promise<LinearGradients<Tensor>> {
  const { inputDim, outputDim, dtype } = problem;
  const rows = sizeOf(input.shape.slice(0, -1));
  const x = { ...input, shape: [rows, inputDim] } as Tensor<ComputeDType>;
  const dZ: Tensor<ComputeDType> =
    problem.activation === null
      ? ({ ...dOutput, shape: [rows, outputDim] } as Tensor<ComputeDType>)
      : zeros(dtype, [rows, outputDim]);
  if (problem.activation !== null) {
    const { slope } = CURVES[problem.activation];
    const sums = argument ?? (await multiply(x, weight));
    const added = argument ? undefined : bias;
    for (let n = 0; n < dZ.data.length; n++) {
      const d = dOutput.data[n]!;
      // Rows that had no influence may hold NaN.
      if (d !== 0) dZ.data[n] = d * slope(sums.data[n]! + (added?.data[n % outputDim] ?? 0));
    }
  }
  const dInput = await multiply(dZ, transposed(weight));
  const dWeight = await multiply(transposed(dZ), transposed(withoutIgnoredRows(x, dZ)));
  return {
    dInput: { ...dInput, shape: [...input.shape] },
    dWeight,
    ...(problem.bias && { dBias: sum(dZ) }),
  };
}

/** `[A, B]` → `[B, A]`, in blocks that stay in the cache. */
function transposed({ dtype, shape, data }: Tensor): Tensor {
  const [rows, columns] = shape as [number, number];
  const result = zeros(dtype, [columns, rows]);
  const BLOCK = 32;
  for (let top = 0; top < rows; top += BLOCK) {
    for (let left = 0; left < columns; left += BLOCK) {
      for (let j = left; j < Math.min(columns, left + BLOCK); j++) {
        for (let i = top; i < Math.min(rows, top + BLOCK); i++)
          result.data[j * rows + i] = data[i * columns + j]!;
      }
    }
  }
  return result;
}

/**
 * Returns the input with zeros in rows whose output had no influence: padding may hold NaN or infinity, and 0 · NaN
 * would reach every weight.
 */
export function withoutIgnoredRows<T extends Tensor<ComputeDType>>(x: T, dOutput: Tensor<ComputeDType>): T {
  // NaN if any number is not finite.
  let trace = 0;
  for (let n = 0; n < x.data.length; n++) trace += x.data[n]! * 0;
  if (trace === 0) return x;
  const width = x.shape.at(-1)!;
  const outputs = dOutput.shape.at(-1)!;
  const data = x.data.slice();
  for (let row = 0; row * width < data.length; row++) {
    const ignored = dOutput.data.subarray(row * outputs, (row + 1) * outputs).every((d) => d === 0);
    if (ignored) data.fill(0, row * width, (row + 1) * width);
  }
  return { ...x, data };
}

/** `[N, E]` → `[E]`, summed in float64. */
export function sumOfRows({ dtype, shape, data }: Tensor<ComputeDType>): Tensor<ComputeDType> {
  const [rows, width] = shape as [number, number];
  const sums = new Float64Array(width);
  for (let row = 0; row < rows; row++) {
    for (let n = 0; n < width; n++) sums[n]! += data[row * width + n]!;
  }
  const result = zeros(dtype, [width]);
  result.data.set(sums);
  return result;
}

import { sizeOf, zeros } from '@heed/core/backend';
import type { ComputeDType, Tensor } from '@heed/core';

/** Output columns whose weights are adjacent, and rows that read them together. */
const COLUMNS = 4;

/** A weight `[out, in]` as panels of four columns: element k of the four of panel p at `(p · in + k) · 4`. */
export interface Panels {
  readonly outputs: number;
  readonly inputs: number;
  readonly data: Float64Array | Float32Array;
}

export function panelsOf({ shape, data }: Tensor): Panels {
  const [outputs, inputs] = shape as [number, number];
  const size = Math.ceil(outputs / COLUMNS) * COLUMNS * inputs;
  const panels = data instanceof Float64Array ? new Float64Array(size) : new Float32Array(size);
  for (let n = 0; n < outputs; n++) {
    const at = Math.floor(n / COLUMNS) * COLUMNS * inputs + (n % COLUMNS);
    for (let k = 0; k < inputs; k++) panels[at + k * COLUMNS] = data[n * inputs + k]!;
  }
  return { outputs, inputs, data: panels };
}

/**
 * x wᵀ, each element passed through `finish`. Sums are in float64, in the order of k, whatever the element type and the
 * number of rows. Yields after each row.
 *
 * @param x `[…, in]`.
 * @param finish converts a sum to the result; `n` is its column.
 */
export function* multiply(
  x: Tensor,
  { outputs, inputs, data: panels }: Panels,
  finish: (sum: number, n: number) => number,
): Generator<void, Tensor, void> {
  const rows = sizeOf(x.shape.slice(0, -1));
  const output = zeros(x.dtype as ComputeDType, [...x.shape.slice(0, -1), outputs]);
  const { data } = x;
  const row64 = new Float64Array(inputs);
  for (let row = 0; row < rows; row++) {
    for (let k = 0; k < inputs; k++) row64[k] = data[row * inputs + k]!;
    for (let n = 0; n < outputs; n += COLUMNS) {
      let [first, second, third, fourth] = [0, 0, 0, 0];
      for (let k = 0, at = n * inputs; k < inputs; k++, at += COLUMNS) {
        const value = row64[k]!;
        first += value * panels[at]!;
        second += value * panels[at + 1]!;
        third += value * panels[at + 2]!;
        fourth += value * panels[at + 3]!;
      }
      const sums = [first, second, third, fourth];
      for (let c = 0; c < Math.min(COLUMNS, outputs - n); c++) {
        output.data[row * outputs + n + c] = finish(sums[c]!, n + c);
      }
    }
    yield;
  }
  return output;
}

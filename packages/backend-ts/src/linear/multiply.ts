import { sizeOf, zeros } from '@heed/core/backend';
import type { ComputeDType, Tensor } from '@heed/core';

/** Output columns whose weights lie side by side, and rows that read them together. */
const COLUMNS = 4;
const ROWS = 2;

/**
 * A weight `[out, in]` as panels of four columns: element k of the four of panel p at `(p · in + k) · 4`. In float64
 * whatever the element type: converting a weight costs as much as multiplying it.
 */
export interface Panels {
  readonly outputs: number;
  readonly inputs: number;
  readonly data: Float64Array;
}

export function panelsOf({ shape, data }: Tensor): Panels {
  const [outputs, inputs] = shape as [number, number];
  const panels = new Float64Array(Math.ceil(outputs / COLUMNS) * COLUMNS * inputs);
  for (let n = 0; n < outputs; n++) {
    const at = Math.floor(n / COLUMNS) * COLUMNS * inputs + (n % COLUMNS);
    for (let k = 0; k < inputs; k++) panels[at + k * COLUMNS] = data[n * inputs + k]!;
  }
  return { outputs, inputs, data: panels };
}

/**
 * x wᵀ, each element passed through `finish`. Sums are kept in float64, in the order of k, whatever the element type and
 * however many rows there are. Yields after each pair of rows.
 *
 * @param x `[…, in]`.
 * @param finish what becomes of a sum; `n` is its column.
 */
export function* multiply(
  x: Tensor,
  weight: Panels,
  finish: (sum: number, n: number) => number,
): Generator<void, Tensor, void> {
  const { outputs, inputs } = weight;
  const rows = sizeOf(x.shape.slice(0, -1));
  const output = zeros(x.dtype as ComputeDType, [...x.shape.slice(0, -1), outputs]);
  // A single row is computed with a second one of zeros.
  const pair = new Float64Array(ROWS * inputs);
  const sums = new Float64Array(ROWS * Math.ceil(outputs / COLUMNS) * COLUMNS);
  for (let row = 0; row < rows; row += ROWS) {
    const count = Math.min(ROWS, rows - row);
    pair.fill(0);
    pair.set(x.data.subarray(row * inputs, (row + count) * inputs));
    multiplyPair(pair, weight, sums);
    for (let r = 0; r < count; r++) {
      for (let n = 0; n < outputs; n++) {
        const sum = sums[(n - (n % COLUMNS)) * ROWS + r * COLUMNS + (n % COLUMNS)]!;
        output.data[(row + r) * outputs + n] = finish(sum, n);
      }
    }
    yield;
  }
  return output;
}

/** Writes the sums of two rows, panel by panel: the four of the first row, then the four of the second. */
function multiplyPair(pair: Float64Array, { inputs, data: panels }: Panels, sums: Float64Array): void {
  for (let at = 0, to = 0; to < sums.length; to += ROWS * COLUMNS) {
    let a0 = 0;
    let a1 = 0;
    let a2 = 0;
    let a3 = 0;
    let b0 = 0;
    let b1 = 0;
    let b2 = 0;
    let b3 = 0;
    for (let k = 0; k < inputs; k++, at += COLUMNS) {
      const a = pair[k]!;
      const b = pair[inputs + k]!;
      const w0 = panels[at]!;
      const w1 = panels[at + 1]!;
      const w2 = panels[at + 2]!;
      const w3 = panels[at + 3]!;
      a0 += a * w0;
      a1 += a * w1;
      a2 += a * w2;
      a3 += a * w3;
      b0 += b * w0;
      b1 += b * w1;
      b2 += b * w2;
      b3 += b * w3;
    }
    sums[to] = a0;
    sums[to + 1] = a1;
    sums[to + 2] = a2;
    sums[to + 3] = a3;
    sums[to + 4] = b0;
    sums[to + 5] = b1;
    sums[to + 6] = b2;
    sums[to + 7] = b3;
  }
}

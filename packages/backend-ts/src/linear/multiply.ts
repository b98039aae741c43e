import { sizeOf, zeros } from '@heed/core/backend';
import type { ComputeDType, Tensor } from '@heed/core';
import { COLUMNS, type Panels } from './panels.ts';

/** Rows that read a panel together. */
const ROWS = 2;
/** Rows between two turns of the event loop: many, since a panel may have to be decoded again after each. */
const TURN_ROWS = 256;

/**
 * x wᵀ, each element passed through `finish`. Sums are kept in float64, in the order of k, whatever the element type and
 * however many rows there are. Yields after each panel, and after 256 rows of it.
 *
 * @param x `[…, in]`.
 * @param finish what becomes of a sum; `n` is its column, `at` its index in the output.
 */
export function* multiply(
  x: Tensor,
  weight: Panels,
  finish: (sum: number, n: number, at: number) => number,
): Generator<void, Tensor, void> {
  const { outputs, inputs } = weight;
  const rows = sizeOf(x.shape.slice(0, -1));
  const output = zeros(x.dtype as ComputeDType, [...x.shape.slice(0, -1), outputs]);
  // An odd last row is computed with a second one of zeros.
  const wide = new Float64Array(Math.ceil(rows / ROWS) * ROWS * inputs);
  wide.set(x.data);
  const sums = new Float64Array(ROWS * COLUMNS);
  for (let first = 0; first < outputs; first += COLUMNS) {
    const columns = Math.min(COLUMNS, outputs - first);
    if (rows === 1 && weight.columns !== undefined) {
      multiplyRow(wide, inputs, weight.columns(first / COLUMNS), sums);
      for (let n = 0; n < columns; n++) output.data[first + n] = finish(sums[n]!, first + n, first + n);
      yield;
      continue;
    }
    let panel = weight.panel(first / COLUMNS);
    for (let row = 0; row < rows; row += ROWS) {
      if (row > 0 && row % TURN_ROWS === 0) {
        yield;
        panel = weight.panel(first / COLUMNS);
      }
      multiplyPair(wide, row * inputs, inputs, panel, sums);
      const count = Math.min(ROWS, rows - row);
      for (let r = 0; r < count; r++) {
        const at = (row + r) * outputs + first;
        for (let n = 0; n < columns; n++)
          output.data[at + n] = finish(sums[r * COLUMNS + n]!, first + n, at + n);
      }
    }
    yield;
  }
  return output;
}

/** Writes the sums of one row and four columns, in the order of {@link multiplyPair}. */
function multiplyRow(
  x: Float64Array,
  inputs: number,
  [first, second, third, fourth]: readonly Float64Array[],
  sums: Float64Array,
): void {
  let a0 = 0;
  let a1 = 0;
  let a2 = 0;
  let a3 = 0;
  for (let k = 0; k < inputs; k++) {
    const a = x[k]!;
    a0 += a * first![k]!;
    a1 += a * second![k]!;
    a2 += a * third![k]!;
    a3 += a * fourth![k]!;
  }
  sums[0] = a0;
  sums[1] = a1;
  sums[2] = a2;
  sums[3] = a3;
}

/** Writes the sums of two rows and a panel: the four of the first row, then the four of the second. */
function multiplyPair(
  x: Float64Array,
  from: number,
  inputs: number,
  panel: Float64Array,
  sums: Float64Array,
): void {
  let a0 = 0;
  let a1 = 0;
  let a2 = 0;
  let a3 = 0;
  let b0 = 0;
  let b1 = 0;
  let b2 = 0;
  let b3 = 0;
  for (let k = 0, at = 0; k < inputs; k++, at += COLUMNS) {
    const a = x[from + k]!;
    const b = x[from + inputs + k]!;
    const w0 = panel[at]!;
    const w1 = panel[at + 1]!;
    const w2 = panel[at + 2]!;
    const w3 = panel[at + 3]!;
    a0 += a * w0;
    a1 += a * w1;
    a2 += a * w2;
    a3 += a * w3;
    b0 += b * w0;
    b1 += b * w1;
    b2 += b * w2;
    b3 += b * w3;
  }
  sums[0] = a0;
  sums[1] = a1;
  sums[2] = a2;
  sums[3] = a3;
  sums[4] = b0;
  sums[5] = b1;
  sums[6] = b2;
  sums[7] = b3;
}

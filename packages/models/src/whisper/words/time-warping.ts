/**
 * The cheapest way from the first row and column to the last, by steps of one row, one column or both (dynamic time warping:
 * Sakoe and Chiba, 1978).
 *
 * @param costs `[rows, columns]`.
 * @returns the column in which each row begins.
 */
export function timeWarping(costs: Float32Array, rows: number, columns: number): Int32Array {
  const width = columns + 1;
  const sums = new Float64Array((rows + 1) * width).fill(Infinity);
  // 0: one of both, 1: a row, 2: a column.
  const steps = new Uint8Array((rows + 1) * width);
  sums[0] = 0;
  for (let column = 1; column <= columns; column++) {
    for (let row = 1; row <= rows; row++) {
      const at = row * width + column;
      const [both, up, left] = [sums[at - width - 1], sums[at - width], sums[at - 1]];
      const step = both < up && both < left ? 0 : up < both && up < left ? 1 : 2;
      steps[at] = step;
      sums[at] = costs[(row - 1) * columns + column - 1] + [both, up, left][step];
    }
  }
  const starts = new Int32Array(rows);
  let [row, column] = [rows, columns];
  while (row > 0 && column > 0) {
    starts[row - 1] = column - 1;
    const step = steps[row * width + column];
    if (step !== 2) row--;
    if (step !== 1) column--;
  }
  return starts;
}

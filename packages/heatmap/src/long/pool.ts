import { type Tensor, tensor } from '@heed/core';
import type { Range } from './slice.ts';

/** The picture's cells along one axis: cell c covers the indices from `edges[c]` up to `edges[c + 1]`. */
export function edgesOf([start, end]: Range, most: number): number[] {
  const count = Math.min(most, end - start);
  return Array.from({ length: count + 1 }, (_, cell) =>
    count === 0 ? start : start + Math.floor((cell * (end - start)) / count),
  );
}

/** Takes rows of weights, from the first to the last, and keeps the largest and the mean of each cell. */
export interface Pool {
  /**
   * @param weights of one query row or more, `width` apart; its first column is that of `columnEdges[0]`.
   * @param factor that each row's weights are multiplied with.
   */
  add(weights: ArrayLike<number>, rowCount: number, width: number, factor: (row: number) => number): void;
  /** `[R, C]`. */
  finish(): { readonly max: Tensor<'float32'>; readonly mean: Tensor<'float32'> };
}

/** @param least what no value is below. */
export function createPool(rowEdges: readonly number[], columnEdges: readonly number[], least = 0): Pool {
  const [rows, columns] = [rowEdges.length - 1, columnEdges.length - 1];
  const max = new Float32Array(rows * columns).fill(least);
  const sum = new Float64Array(rows * columns);
  const edges = Int32Array.from(columnEdges, (edge) => edge - columnEdges[0]!);
  let row = rowEdges[0]!;
  let cell = 0;
  return {
    add(weights, rowCount, width, factor) {
      for (let r = 0; r < rowCount; r++, row++) {
        while (row >= rowEdges[cell + 1]!) cell++;
        addRow(weights, r * width, factor(row), edges, max, sum, cell * columns, least);
      }
    },
    finish() {
      const mean = new Float32Array(rows * columns);
      for (let r = 0; r < rows; r++) {
        const height = rowEdges[r + 1]! - rowEdges[r]!;
        for (let c = 0; c < columns; c++) {
          mean[r * columns + c] = sum[r * columns + c]! / (height * (edges[c + 1]! - edges[c]!));
        }
      }
      return { max: tensor([rows, columns], max), mean: tensor([rows, columns], mean) };
    },
  };
}

/** The one loop over every weight: two at a time, so that the additions need not wait for each other. */
function addRow(
  weights: ArrayLike<number>,
  start: number,
  factor: number,
  edges: Int32Array,
  max: Float32Array,
  sum: Float64Array,
  cellStart: number,
  least: number,
): void {
  const columns = edges.length - 1;
  for (let c = 0; c < columns; c++) {
    const first = start + edges[c]!;
    const end = start + edges[c + 1]!;
    let largest = least;
    let total = 0;
    let other = 0;
    let at = first;
    for (; at + 1 < end; at += 2) {
      const one = weights[at]!;
      const two = weights[at + 1]!;
      total += one;
      other += two;
      if (one > largest) largest = one;
      if (two > largest) largest = two;
    }
    if (at < end) {
      const last = weights[at]!;
      total += last;
      if (last > largest) largest = last;
    }
    total += other;
    // A NaN is greater than nothing, but it is in the sum.
    if (total !== total && hasNaN(weights, first, end)) largest = NaN;
    largest *= factor;
    const index = cellStart + c;
    if (largest > max[index]! || largest !== largest) max[index] = largest;
    sum[index]! += total * factor;
  }
}

function hasNaN(weights: ArrayLike<number>, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (Number.isNaN(weights[at])) return true;
  return false;
}

/** Names of the cells: `64–127`, or `64` where a cell is one index; with the axis' own labels where it has them. */
export function labelsOf(edges: readonly number[], labels?: readonly string[]): string[] {
  const nameOf = (index: number): string => labels?.[index] ?? String(index);
  return edges.slice(0, -1).map((start, cell) => {
    const last = edges[cell + 1]! - 1;
    return last === start ? nameOf(start) : `${nameOf(start)}–${nameOf(last)}`;
  });
}

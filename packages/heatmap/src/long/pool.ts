import { type Tensor, tensor } from '@heed/core';
import type { Range } from './slice.ts';

/** The picture's cells along one axis: cell c covers the indices from `edges[c]` up to `edges[c + 1]`. */
export function edgesOf([start, end]: Range, maximum: number): number[] {
  const count = Math.min(maximum, end - start);
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
        addRow(weights, r * width, factor(row), edges, max, sum, cell * columns);
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
      return { max: tensor(max, [rows, columns]), mean: tensor(mean, [rows, columns]) };
    },
  };
}

/**
 * The one loop over every weight. It keeps four independent sums. The maximum starts from that of
 * the earlier rows, so that few weights exceed it: a branch that is seldom taken costs little.
 */
function addRow(
  weights: ArrayLike<number>,
  start: number,
  factor: number,
  edges: Int32Array,
  max: Float32Array,
  sum: Float64Array,
  cellStart: number,
): void {
  const columns = edges.length - 1;
  let end = start;
  for (let c = 0; c < columns; c++) {
    const first = end;
    end = start + edges[c + 1]!;
    const cell = cellStart + c;
    const before = max[cell]! / factor;
    let largest = before;
    let total = 0;
    let second = 0;
    let third = 0;
    let fourth = 0;
    let at = first;
    for (const last = end - 3; at < last; at += 4) {
      const w0 = weights[at]!;
      const w1 = weights[at + 1]!;
      const w2 = weights[at + 2]!;
      const w3 = weights[at + 3]!;
      total += w0;
      second += w1;
      third += w2;
      fourth += w3;
      if (w0 > largest) largest = w0;
      if (w1 > largest) largest = w1;
      if (w2 > largest) largest = w2;
      if (w3 > largest) largest = w3;
    }
    for (; at < end; at++) {
      const weight = weights[at]!;
      total += weight;
      if (weight > largest) largest = weight;
    }
    total = (total + second + (third + fourth)) * factor;
    sum[cell]! += total;
    if (largest > before) max[cell] = largest * factor;
    // A NaN is not greater than anything, but it is in the sum.
    if (total !== total && (factor !== factor || hasNaN(weights, first, end))) max[cell] = NaN;
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

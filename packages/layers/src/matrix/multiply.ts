import type { FloatArray } from '../tensors.ts';
import { BLOCK_COLUMNS, BLOCK_DEPTH, BLOCK_ROWS, type TileEngine, engineOf } from './tile-engine.ts';
import { TILE_ROWS } from './tile-module.ts';

/** A matrix in an array, element (i, j) at `i · rowStride + j · columnStride`: a transpose is a swap of strides. */
export interface Matrix {
  readonly data: FloatArray;
  readonly rows: number;
  readonly columns: number;
  readonly rowStride: number;
  readonly columnStride: number;
}

/** A row-major matrix. */
export function matrix(data: FloatArray, rows: number, columns: number): Matrix {
  return { data, rows, columns, rowStride: columns, columnStride: 1 };
}

export function transpose({ data, rows, columns, rowStride, columnStride }: Matrix): Matrix {
  return { data, rows: columns, columns: rows, rowStride: columnStride, columnStride: rowStride };
}

/**
 * C = A B into a row-major array, or C = A B + bias with a number for each column.
 *
 * Reasons for this one: it is the same for both precisions and every transpose, needs no engine and no copy to one, and
 * works at once, in Node, browsers and workers: WebAssembly with 128-bit vectors, and TypeScript where that is not
 * allowed.
 *
 * Tiling (Goto and van de Geijn, "Anatomy of high-performance matrix multiplication", ACM TOMS 2008, section 4):
 * a block of A is copied row by row, one of B is packed with four or eight columns side by side; the block of B (96 KiB
 * in float32) stays in the second-level cache while rows of A (3 KiB) pass through the first; a tile of C is summed in
 * registers. Packing costs more than copying, so where few rows meet a large weight the two change places. An element's
 * sum runs over k in one order, in steps of BLOCK_DEPTH: its bits do not depend on how many other rows there are.
 */
export function multiply(
  a: Matrix,
  b: Matrix,
  c: FloatArray,
  bias?: FloatArray,
  engine: TileEngine = engineOf(c.BYTES_PER_ELEMENT === 4 ? 'float32' : 'float64'),
): void {
  const result: Result = { data: c, rowStride: b.columns, columnStride: 1 };
  if (b.rowStride === 1 && a.rows < b.columns) {
    multiplyInto({ ...result, rowStride: 1, columnStride: b.columns }, transpose(b), transpose(a), engine);
  } else {
    multiplyInto(result, a, b, engine);
  }
  if (bias !== undefined) addToRows(c, bias);
}

type Result = Pick<Matrix, 'data' | 'rowStride' | 'columnStride'>;

function multiplyInto(c: Result, a: Matrix, b: Matrix, engine: TileEngine): void {
  for (let column = 0; column < b.columns; column += BLOCK_COLUMNS) {
    const columns = Math.min(BLOCK_COLUMNS, b.columns - column);
    for (let row = 0; row < a.rows; row += BLOCK_ROWS) {
      const rows = Math.min(BLOCK_ROWS, a.rows - row);
      engine.sums.fill(0);
      for (let k = 0; k < a.columns; k += BLOCK_DEPTH) {
        const depth = Math.min(BLOCK_DEPTH, a.columns - k);
        copyRows(engine.packedA, a, row, rows, k, depth);
        packColumns(engine.packedB, engine.columns, b, column, columns, k, depth);
        multiplyBlock(engine, rows, columns, depth);
      }
      store(c, engine.sums, row, rows, column, columns);
    }
  }
}

/** Copies rows of A, each to its place. Rows that a tile lacks do not matter, since nobody reads their sums. */
function copyRows(into: FloatArray, a: Matrix, row: number, rows: number, k: number, depth: number): void {
  const { data, rowStride, columnStride } = a;
  for (let i = 0; i < rows; i++) {
    const from = (row + i) * rowStride + k * columnStride;
    const to = i * BLOCK_DEPTH;
    if (columnStride === 1) into.set(data.subarray(from, from + depth), to);
    else for (let step = 0; step < depth; step++) into[to + step] = data[from + step * columnStride];
  }
}

/** Packs columns of B side by side, `width` at a time. */
function packColumns(
  into: FloatArray,
  width: number,
  { data, rowStride, columnStride }: Matrix,
  column: number,
  columns: number,
  k: number,
  depth: number,
): void {
  for (let j = 0; j < columns; j += width) {
    const to = j * depth;
    const from = k * rowStride + (column + j) * columnStride;
    const filled = Math.min(width, columns - j);
    for (let lane = 0; lane < filled; lane++) {
      const source = from + lane * columnStride;
      for (let step = 0; step < depth; step++)
        into[to + step * width + lane] = data[source + step * rowStride];
    }
  }
}

function multiplyBlock(engine: TileEngine, rows: number, columns: number, depth: number): void {
  for (let i = 0; i < rows; i += TILE_ROWS) {
    for (let j = 0; j < columns; j += engine.columns) {
      engine.tile(i * BLOCK_DEPTH, j * depth, i * BLOCK_COLUMNS + j, depth);
    }
  }
}

/** Writes a block's sums into C. */
function store(
  { data, rowStride, columnStride }: Result,
  sums: FloatArray,
  row: number,
  rows: number,
  column: number,
  columns: number,
): void {
  for (let i = 0; i < rows; i++) {
    const to = (row + i) * rowStride + column * columnStride;
    const from = i * BLOCK_COLUMNS;
    for (let j = 0; j < columns; j++) data[to + j * columnStride] = sums[from + j];
  }
}

function addToRows(c: FloatArray, bias: FloatArray): void {
  for (let start = 0; start < c.length; start += bias.length) {
    for (let j = 0; j < bias.length; j++) c[start + j] += bias[j];
  }
}

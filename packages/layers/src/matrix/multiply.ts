import type { FloatArray } from '../tensors.ts';

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

const BLOCK_ROWS = 64;
const BLOCK_COLUMNS = 128;
const BLOCK_DEPTH = 192;

// One product runs at a time: there is no await in it.
const packedA = new Float64Array(BLOCK_ROWS * BLOCK_DEPTH);
const packedB = new Float64Array(BLOCK_COLUMNS * BLOCK_DEPTH);
const sums = new Float64Array(BLOCK_ROWS * BLOCK_COLUMNS);

/**
 * C = A B into a row-major array, or C = A B + bias with a number for each column.
 *
 * Why this one: it is the same code for both precisions and every transpose, needs no engine, and is exact enough to
 * be no source of error beside attention itself, since it sums in float64 whatever the precision of A and B.
 *
 * Tiling (Goto and van de Geijn, "Anatomy of high-performance matrix multiplication", ACM TOMS 2008, section 4):
 * panels of four rows of A and four columns of B are packed side by side, in float64 so that the inner loop converts
 * nothing; a block of B (192 KiB) stays in the second-level cache while panels of A (6 KiB) pass through the first;
 * a 4×4 tile of C is summed in registers. An element's sum runs over k in one order, in steps of {@link BLOCK_DEPTH}:
 * its bits do not depend on how many other rows there are.
 */
export function multiply(a: Matrix, b: Matrix, c: FloatArray, bias?: FloatArray): void {
  for (let column = 0; column < b.columns; column += BLOCK_COLUMNS) {
    const columns = Math.min(BLOCK_COLUMNS, b.columns - column);
    for (let row = 0; row < a.rows; row += BLOCK_ROWS) {
      const rows = Math.min(BLOCK_ROWS, a.rows - row);
      sums.fill(0);
      for (let k = 0; k < a.columns; k += BLOCK_DEPTH) {
        const depth = Math.min(BLOCK_DEPTH, a.columns - k);
        pack(
          packedA,
          a.data,
          row * a.rowStride + k * a.columnStride,
          a.rowStride,
          a.columnStride,
          rows,
          depth,
        );
        pack(
          packedB,
          b.data,
          k * b.rowStride + column * b.columnStride,
          b.columnStride,
          b.rowStride,
          columns,
          depth,
        );
        multiplyBlock(rows, columns, depth);
      }
      store(c, row, rows, column, columns, b.columns, bias);
    }
  }
}

/** Lines four by four beside each other, element by element; the last four are filled up with zeros. */
function pack(
  into: Float64Array,
  from: FloatArray,
  start: number,
  lineStride: number,
  stride: number,
  lines: number,
  depth: number,
): void {
  let at = 0;
  for (let line = 0; line < lines; line += 4) {
    const base = start + line * lineStride;
    const left = lines - line;
    for (let k = 0; k < depth; k++) {
      const element = base + k * stride;
      into[at] = from[element];
      into[at + 1] = left > 1 ? from[element + lineStride] : 0;
      into[at + 2] = left > 2 ? from[element + 2 * lineStride] : 0;
      into[at + 3] = left > 3 ? from[element + 3 * lineStride] : 0;
      at += 4;
    }
  }
}

function multiplyBlock(rows: number, columns: number, depth: number): void {
  for (let i = 0; i < rows; i += 4) {
    for (let j = 0; j < columns; j += 4) multiplyTile(i * depth, j * depth, i * BLOCK_COLUMNS + j, depth);
  }
}

/** A 4×4 tile of C: eight loads for sixteen products. */
function multiplyTile(a: number, b: number, c: number, depth: number): void {
  let c00 = 0;
  let c01 = 0;
  let c02 = 0;
  let c03 = 0;
  let c10 = 0;
  let c11 = 0;
  let c12 = 0;
  let c13 = 0;
  let c20 = 0;
  let c21 = 0;
  let c22 = 0;
  let c23 = 0;
  let c30 = 0;
  let c31 = 0;
  let c32 = 0;
  let c33 = 0;
  const end = (a + 4 * depth) | 0;
  while (a < end) {
    const b0 = packedB[b];
    const b1 = packedB[b + 1];
    const b2 = packedB[b + 2];
    const b3 = packedB[b + 3];
    const a0 = packedA[a];
    c00 += a0 * b0;
    c01 += a0 * b1;
    c02 += a0 * b2;
    c03 += a0 * b3;
    const a1 = packedA[a + 1];
    c10 += a1 * b0;
    c11 += a1 * b1;
    c12 += a1 * b2;
    c13 += a1 * b3;
    const a2 = packedA[a + 2];
    c20 += a2 * b0;
    c21 += a2 * b1;
    c22 += a2 * b2;
    c23 += a2 * b3;
    const a3 = packedA[a + 3];
    c30 += a3 * b0;
    c31 += a3 * b1;
    c32 += a3 * b2;
    c33 += a3 * b3;
    a = (a + 4) | 0;
    b = (b + 4) | 0;
  }
  sums[c] += c00;
  sums[c + 1] += c01;
  sums[c + 2] += c02;
  sums[c + 3] += c03;
  c += BLOCK_COLUMNS;
  sums[c] += c10;
  sums[c + 1] += c11;
  sums[c + 2] += c12;
  sums[c + 3] += c13;
  c += BLOCK_COLUMNS;
  sums[c] += c20;
  sums[c + 1] += c21;
  sums[c + 2] += c22;
  sums[c + 3] += c23;
  c += BLOCK_COLUMNS;
  sums[c] += c30;
  sums[c + 1] += c31;
  sums[c + 2] += c32;
  sums[c + 3] += c33;
}

/** Rounds a block's sums once, into C. */
function store(
  c: FloatArray,
  row: number,
  rows: number,
  column: number,
  columns: number,
  width: number,
  bias: FloatArray | undefined,
): void {
  for (let i = 0; i < rows; i++) {
    const to = (row + i) * width + column;
    const from = i * BLOCK_COLUMNS;
    for (let j = 0; j < columns; j++)
      c[to + j] = sums[from + j] + (bias === undefined ? 0 : bias[column + j]);
  }
}

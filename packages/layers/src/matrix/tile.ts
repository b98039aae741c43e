/**
 * Adds a 4×4 tile of a product: eight loads for sixteen products. A and C are row-major; four
 * columns of B lie side by side.
 */
export function multiplyTile(
  packedA: Float64Array,
  a: number,
  aRow: number,
  packedB: Float64Array,
  b: number,
  sums: Float64Array,
  c: number,
  cRow: number,
  depth: number,
): void {
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
  const end = (a + depth) | 0;
  let row1 = (a + aRow) | 0;
  let row2 = (row1 + aRow) | 0;
  let row3 = (row2 + aRow) | 0;
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
    const a1 = packedA[row1];
    c10 += a1 * b0;
    c11 += a1 * b1;
    c12 += a1 * b2;
    c13 += a1 * b3;
    const a2 = packedA[row2];
    c20 += a2 * b0;
    c21 += a2 * b1;
    c22 += a2 * b2;
    c23 += a2 * b3;
    const a3 = packedA[row3];
    c30 += a3 * b0;
    c31 += a3 * b1;
    c32 += a3 * b2;
    c33 += a3 * b3;
    a = (a + 1) | 0;
    row1 = (row1 + 1) | 0;
    row2 = (row2 + 1) | 0;
    row3 = (row3 + 1) | 0;
    b = (b + 4) | 0;
  }
  sums[c] += c00;
  sums[c + 1] += c01;
  sums[c + 2] += c02;
  sums[c + 3] += c03;
  c += cRow;
  sums[c] += c10;
  sums[c + 1] += c11;
  sums[c + 2] += c12;
  sums[c + 3] += c13;
  c += cRow;
  sums[c] += c20;
  sums[c + 1] += c21;
  sums[c + 2] += c22;
  sums[c + 3] += c23;
  c += cRow;
  sums[c] += c30;
  sums[c + 1] += c31;
  sums[c + 2] += c32;
  sums[c + 3] += c33;
}

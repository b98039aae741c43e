import type { Heap } from '../memory/heap.ts';

/**
 * C = scale · A B, or C += A B: all multiplications of forward pass and gradient.
 *
 * Each matrix lies in the heap with its own strides, so that transposes cost nothing: element (i, k) of A at
 * `a + i · aRow + k · aStep`, element (k, j) of B at `b + j · bColumn + k · bStep`, element (i, j) of C at
 * `c + i · cRow + j`. `columns` is even: an odd matrix has a column of padding with arbitrary content.
 *
 * Every element is one sum in the order of k, started at 0, a product at a time: its bits depend neither on the other
 * rows and columns nor on their division into register tiles.
 *
 * Tiling (Goto and van de Geijn, "Anatomy of high-performance matrix multiplication", ACM TOMS 2008, section 4): a
 * 4×2 register tile of C stays in registers while k runs; four rows of A (2 KiB at a depth of 64) stay in the first-level
 * cache while j runs; all of B (64 KiB for 128 keys of 64) streams from the second level.
 */
export function multiply(
  heap: Heap,
  a: number,
  aRow: number,
  aStep: number,
  b: number,
  bColumn: number,
  bStep: number,
  c: number,
  cRow: number,
  rows: number,
  columns: number,
  depth: number,
  scale: number,
  accumulate: boolean,
): void {
  const fours = rows & ~3;
  multiplyFours(heap, a, aRow, aStep, b, bColumn, bStep, c, cRow, fours, columns, depth, scale, accumulate);
  for (let i = fours; i < rows; i++) {
    multiplyRow(
      heap,
      a + i * aRow,
      aStep,
      b,
      bColumn,
      bStep,
      c + i * cRow,
      columns,
      depth,
      scale,
      accumulate,
    );
  }
}

/**
 * The loop over k exits in its middle, and the lower half of the last iteration follows it. This is for V8, which
 * otherwise computes all eight products before it adds the first: with the eight sums, that is one more than there are
 * registers, and every iteration would wait for a sum that goes through memory.
 */
function multiplyFours(
  heap: Heap,
  a: number,
  aRow: number,
  aStep: number,
  b: number,
  bColumn: number,
  bStep: number,
  c: number,
  cRow: number,
  rows: number,
  columns: number,
  depth: number,
  scale: number,
  accumulate: boolean,
): void {
  const aLast = Math.imul(depth - 1, aStep);
  const bLast = Math.imul(depth - 1, bStep);
  for (let i = 0; i < rows; i = (i + 4) | 0) {
    const aStart = (a + Math.imul(i, aRow)) | 0;
    const cStart = (c + Math.imul(i, cRow)) | 0;
    for (let j = 0; j < columns; j = (j + 2) | 0) {
      let ia = aStart;
      let ib = (b + Math.imul(j, bColumn)) | 0;
      const last = (ib + bLast) | 0;
      let c00 = 0;
      let c01 = 0;
      let c10 = 0;
      let c11 = 0;
      let c20 = 0;
      let c21 = 0;
      let c30 = 0;
      let c31 = 0;
      for (;;) {
        const ia1 = (ia + aRow) | 0;
        const ia2 = (ia1 + aRow) | 0;
        const b0 = heap[ib];
        const b1 = heap[(ib + bColumn) | 0];
        const a0 = heap[ia];
        const a1 = heap[ia1];
        c00 += a0 * b0;
        c01 += a0 * b1;
        c10 += a1 * b0;
        c11 += a1 * b1;
        if (ib === last) break;
        const a2 = heap[ia2];
        const a3 = heap[(ia2 + aRow) | 0];
        c20 += a2 * b0;
        c21 += a2 * b1;
        c30 += a3 * b0;
        c31 += a3 * b1;
        ia = (ia + aStep) | 0;
        ib = (ib + bStep) | 0;
      }
      const ia2 = (aStart + Math.imul(2, aRow) + aLast) | 0;
      const b0 = heap[last];
      const b1 = heap[(last + bColumn) | 0];
      const a2 = heap[ia2];
      const a3 = heap[(ia2 + aRow) | 0];
      c20 += a2 * b0;
      c21 += a2 * b1;
      c30 += a3 * b0;
      c31 += a3 * b1;

      const o0 = (cStart + j) | 0;
      const o1 = (o0 + cRow) | 0;
      const o2 = (o1 + cRow) | 0;
      const o3 = (o2 + cRow) | 0;
      if (accumulate) {
        heap[o0] += c00;
        heap[(o0 + 1) | 0] += c01;
        heap[o1] += c10;
        heap[(o1 + 1) | 0] += c11;
        heap[o2] += c20;
        heap[(o2 + 1) | 0] += c21;
        heap[o3] += c30;
        heap[(o3 + 1) | 0] += c31;
      } else {
        heap[o0] = scale * c00;
        heap[(o0 + 1) | 0] = scale * c01;
        heap[o1] = scale * c10;
        heap[(o1 + 1) | 0] = scale * c11;
        heap[o2] = scale * c20;
        heap[(o2 + 1) | 0] = scale * c21;
        heap[o3] = scale * c30;
        heap[(o3 + 1) | 0] = scale * c31;
      }
    }
  }
}

/** Rows that remain after register tiles of four. */
function multiplyRow(
  heap: Heap,
  a: number,
  aStep: number,
  b: number,
  bColumn: number,
  bStep: number,
  c: number,
  columns: number,
  depth: number,
  scale: number,
  accumulate: boolean,
): void {
  const length = Math.imul(depth, bStep);
  for (let j = 0; j < columns; j = (j + 2) | 0) {
    let ia = a;
    let ib = (b + Math.imul(j, bColumn)) | 0;
    const end = (ib + length) | 0;
    let c0 = 0;
    let c1 = 0;
    while (ib !== end) {
      const a0 = heap[ia];
      c0 += a0 * heap[ib];
      c1 += a0 * heap[(ib + bColumn) | 0];
      ia = (ia + aStep) | 0;
      ib = (ib + bStep) | 0;
    }
    const o = (c + j) | 0;
    if (accumulate) {
      heap[o] += c0;
      heap[(o + 1) | 0] += c1;
    } else {
      heap[o] = scale * c0;
      heap[(o + 1) | 0] = scale * c1;
    }
  }
}

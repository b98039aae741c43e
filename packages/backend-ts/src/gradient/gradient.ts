import type {
  AttentionGradients,
  AttentionInputs,
  AttentionProblem,
  GradientInputs,
  Tensor,
} from '@heed/core';
import { type DroppedWeights, droppedWeights } from '../forward/dropout.ts';
import { MAXIMUM_EXCESS, exponentials, maximum } from '../forward/exponential.ts';
import { GradientResults, addRows } from './results.ts';
import { GradientRows } from './rows.ts';
import { type Heap, fillHeap } from '../memory/heap.ts';
import { type GradientLayout, GROUP_ROWS } from '../plan/layout.ts';
import { multiply } from '../forward/multiply.ts';
import { type QueryRow, ScoreTiles } from '../forward/score-tiles.ts';
import { ValueTiles } from '../forward/value-tiles.ts';

/**
 * Gradients, from weights that are recomputed tile by tile, starting from the row maximum (Dao, Fu, Ermon,
 * Rudra and Ré, "FlashAttention", NeurIPS 2022, algorithm 4 and appendix B.2):
 *
 *     dV = Pᵀ dO     dP = dO Vᵀ     dS = P ∘ (dP − rowsum(P ∘ dP))     dQ = scale · dS K     dK = scale · dSᵀ Q
 *
 * With dropout, P in dV and dP are multiplied by 0 or 1 / (1 − p).
 *
 * The block of queries is in the outer loop, as in the forward pass: dQ stays in the heap; dK and dV are summed up in
 * float64 for one key head at a time. Yields after each tile.
 *
 * Each block goes over its tiles twice and keeps the exponentials and dP of its 64 rows in between: memory O(Lk), no
 * additional multiplications. The paper goes over them once, with rowsum(dO ∘ O) and the row sums of the forward pass.
 * Both are rounded to float32, so dP − rowsum has few correct digits if one key has nearly all of the weight.
 */
export function* gradient(
  problem: AttentionProblem,
  inputs: AttentionInputs<Tensor>,
  forward: GradientInputs<Tensor>,
  heap: Heap,
  layout: GradientLayout,
): Generator<void, AttentionGradients, void> {
  const pass = new GradientPass(problem, inputs, forward, heap, layout);
  const rowCount = (problem.heads / problem.kvHeads) * problem.queryLength;
  // All elements of the batch that read the same keys add to their gradient, in order.
  const readers = problem.batch / problem.kvBatch;
  for (let kvBatch = 0; kvBatch < problem.kvBatch; kvBatch++) {
    for (let kvHead = 0; kvHead < problem.kvHeads; kvHead++) {
      pass.results.openKeyHead();
      for (let batch = kvBatch * readers; batch < (kvBatch + 1) * readers; batch++) {
        for (let row = 0; row < rowCount; row += layout.rows) {
          yield* pass.block(batch, kvHead, row, Math.min(layout.rows, rowCount - row));
        }
      }
      pass.results.closeKeyHead(kvBatch, kvHead);
    }
  }
  return pass.results.all();
}

class GradientPass {
  readonly results: GradientResults;
  private readonly problem: AttentionProblem;
  private readonly heap: Heap;
  private readonly layout: GradientLayout;
  private readonly tiles: ScoreTiles;
  private readonly values: ValueTiles;
  private readonly rows: GradientRows;
  private readonly dropout: DroppedWeights | null;

  constructor(
    problem: AttentionProblem,
    inputs: AttentionInputs<Tensor>,
    forward: GradientInputs<Tensor>,
    heap: Heap,
    layout: GradientLayout,
  ) {
    this.problem = problem;
    this.heap = heap;
    this.layout = layout;
    this.results = new GradientResults(problem, inputs);
    this.tiles = new ScoreTiles(problem, inputs, heap, layout);
    this.values = new ValueTiles(problem, inputs, heap, layout);
    this.rows = new GradientRows(problem, inputs, forward, heap, layout);
    this.dropout = droppedWeights(problem, inputs);
  }

  *block(batch: number, kvHead: number, firstRow: number, count: number): Generator<void, void, void> {
    const { tiles, layout, heap } = this;
    tiles.openBlock(batch, kvHead, firstRow, count);
    this.values.openHead(batch, kvHead);
    for (let r = 0; r < count; r++) this.rows.begin(r, tiles.rows[r]!);
    fillHeap(heap, layout.dQuery, layout.dQuery + count * layout.queryStride, 0);
    for (const tile of [this.exponentialTile, this.scoreTile]) {
      for (let start = tiles.firstTile; start < tiles.endKey; start += layout.keys) {
        if (tiles.selectTile(start)) tile.call(this);
        yield;
      }
    }
    for (let r = 0; r < count; r++) this.finishRow(r, tiles.rows[r]!);
  }

  /** Position of row r in a matrix of the selected tile. */
  private tileRow(matrix: number, r: number): number {
    const { tiles, layout } = this;
    const tile = (tiles.tileStart - tiles.firstTile) / layout.keys;
    return matrix + tile * layout.tileStride + r * layout.scoreStride;
  }

  /** First pass: exponentials and dP. */
  private exponentialTile(): void {
    const { tiles } = this;
    this.values.pack(tiles);
    for (let r = 0; r < tiles.count; r += GROUP_ROWS)
      this.exponentialGroup(r, Math.min(GROUP_ROWS, tiles.count - r));
  }

  private exponentialGroup(r: number, count: number): void {
    const { heap, layout, tiles } = this;
    const weights = this.tileRow(layout.weights, r);
    const dWeights = this.tileRow(layout.dScore, r);
    if (tiles.scoreGroup(r, count, weights, this.tileRow(layout.slope, r)))
      this.multiplyByValues(r, count, dWeights);
    for (let n = 0; n < count; n++) {
      const row = tiles.rows[r + n]!;
      // Position of key 0.
      const shift = n * layout.scoreStride - tiles.tileStart;
      this.exponentialRow(r + n, row, weights + shift, dWeights + shift);
      for (const matrix of [weights + shift, dWeights + shift]) {
        fillHeap(heap, matrix + tiles.from, matrix + Math.min(row.from, tiles.to), 0);
        fillHeap(heap, matrix + Math.max(row.to, tiles.from), matrix + tiles.to, 0);
      }
    }
  }

  /** dP = dO Vᵀ */
  private multiplyByValues(r: number, count: number, to: number): void {
    const { layout, tiles } = this;
    const { dOutput, value, valueStride, scoreStride } = layout;
    const skipped = tiles.groupFrom - tiles.tileStart;
    const columns = tiles.groupTo - tiles.groupFrom;
    multiply(
      this.heap,
      dOutput + r * valueStride,
      valueStride,
      1,
      value + skipped * valueStride,
      valueStride,
      1,
      to + skipped,
      scoreStride,
      count,
      columns + (columns & 1),
      this.problem.valueDim,
      1,
      false,
    );
  }

  /** Replaces the scores of one row by exponentials, and adds to the row's sums. */
  private exponentialRow(r: number, row: QueryRow, weights: number, dWeights: number): void {
    const { heap, rows } = this;
    const { from, to } = row;
    if (rows.isNonFinite[r]) this.nonFiniteRow(r, row, weights, dWeights);
    else {
      if (rows.isMaxRounded(r)) roundScores(heap, weights + from, to - from);
      const excess = maximum(heap, weights + from, to - from) - rows.rowMax[r];
      // These are the statistics of other inputs: no gradient would be right.
      if (!(excess <= MAXIMUM_EXCESS)) rows.sum[r] = NaN;
      else rows.sum[r] += exponentials(heap, weights + from, to - from, rows.rowMax[r]);
      // In float64 even products of finite numbers overflow, and 0 · ∞ is NaN.
      if (this.problem.dtype === 'float64')
        zeroWithoutWeight(heap, weights + from, dWeights + from, to - from);
      this.dropout?.drop(row, heap, dWeights + from, this.dropout.factor);
      rows.weighted[r] += innerProduct(heap, weights + from, dWeights + from, to - from);
    }
  }

  /** A row that NaN or infinity reaches, or an empty one: NaN wherever it attends, exactly 0 elsewhere. */
  private nonFiniteRow(r: number, row: QueryRow, weights: number, dWeights: number): void {
    const { heap, rows } = this;
    for (let j = row.from; j < row.to; j++) {
      const reached = heap[weights + j] === -Infinity ? 0 : NaN;
      heap[weights + j] = reached;
      heap[dWeights + j] = reached;
      rows.weighted[r] += reached;
    }
  }

  /** Second pass: dS, dQ, dK and dV. */
  private scoreTile(): void {
    const { tiles } = this;
    tiles.packKeys();
    for (let r = 0; r < tiles.count; r++) this.scoreRow(r, tiles.rows[r]!);
    for (let r = 0; r < tiles.count; r += GROUP_ROWS)
      this.addQueries(r, Math.min(GROUP_ROWS, tiles.count - r));
    this.addKeys();
    this.addValues();
  }

  private scoreRow(r: number, row: QueryRow): void {
    const { heap, layout, problem, results, rows, tiles } = this;
    const { from, to } = row;
    const weights = this.tileRow(layout.weights, r) + from - tiles.tileStart;
    const dScore = this.tileRow(layout.dScore, r) + from - tiles.tileStart;
    // The others already have their 0 and NaN.
    if (!rows.isNonFinite[r]) scoreGradients(heap, weights, dScore, to - from, 1 / rows.sum[r], rows.mean(r));
    // dV takes the weights that are left; its multiplication rescales them.
    if (!rows.isNonFinite[r]) this.dropout?.drop(row, heap, weights, 1);
    results.addBias(row, heap, dScore, from, to);
    if (problem.softcap === null) return;
    const slope = this.tileRow(layout.slope, r) + from - tiles.tileStart;
    for (let n = 0; n < to - from; n++) {
      // dS is 0 for keys that the row may not attend to; their slope may come from a product that has overflowed.
      if (heap[dScore + n] !== 0) heap[dScore + n] *= heap[slope + n];
    }
  }

  /** dQ += dS K */
  private addQueries(r: number, count: number): void {
    const { layout, tiles } = this;
    const { scoreStride, key, queryStride, dQuery } = layout;
    if (!tiles.openGroup(r, count)) return;
    const skipped = tiles.groupFrom - tiles.tileStart;
    multiply(
      this.heap,
      this.tileRow(layout.dScore, r) + skipped,
      scoreStride,
      1,
      key + skipped * queryStride,
      1,
      queryStride,
      dQuery + r * queryStride,
      queryStride,
      count,
      queryStride,
      tiles.groupTo - tiles.groupFrom,
      1,
      true,
    );
  }

  /** dK += scale · dSᵀ Q, over the rows that attend to the tile. */
  private addKeys(): void {
    const { heap, layout, problem, results, tiles } = this;
    const { scoreStride, query, dKey, queryStride } = layout;
    const { first, depth } = attendingRows(tiles);
    const count = tiles.to - tiles.from;
    multiply(
      heap,
      this.tileRow(layout.dScore, first) + tiles.from - tiles.tileStart,
      1,
      scoreStride,
      query + first * queryStride,
      1,
      queryStride,
      dKey,
      queryStride,
      count,
      queryStride,
      depth,
      problem.scale,
      false,
    );
    addRows(results.keySums, tiles.from, problem.headDim, heap, dKey, queryStride, count);
  }

  /** dV += Pᵀ dO, over the rows that attend to the tile. */
  private addValues(): void {
    const { heap, layout, problem, results, tiles } = this;
    const { scoreStride, dOutput, dValue, valueStride } = layout;
    const { first, depth } = attendingRows(tiles);
    const count = tiles.to - tiles.from;
    multiply(
      heap,
      this.tileRow(layout.weights, first) + tiles.from - tiles.tileStart,
      1,
      scoreStride,
      dOutput + first * valueStride,
      1,
      valueStride,
      dValue,
      valueStride,
      count,
      valueStride,
      depth,
      this.dropout?.factor ?? 1,
      false,
    );
    addRows(results.valueSums, tiles.from, problem.valueDim, heap, dValue, valueStride, count);
  }

  private finishRow(r: number, row: QueryRow): void {
    const { heap, layout, problem, results, rows } = this;
    results.writeQuery(row, heap, layout.dQuery + r * layout.queryStride, problem.scale);
    if (results.sinkSums !== null) results.sinkSums[row.head] += rows.sinkGradient(r, row);
  }
}

/** From the first row of the block that attends to the selected tile to the last. */
function attendingRows(tiles: ScoreTiles): { readonly first: number; readonly depth: number } {
  let first = 0;
  let last = tiles.count - 1;
  while (tiles.rows[first]!.from === tiles.rows[first]!.to) first++;
  while (tiles.rows[last]!.from === tiles.rows[last]!.to) last--;
  return { first, depth: last - first + 1 };
}

/** Rounds scores to float32, like the row maximum, so that their maximum equals it again. */
function roundScores(heap: Heap, at: number, count: number): void {
  for (let p = at; p < at + count; p++) heap[p] = Math.fround(heap[p]);
}

function zeroWithoutWeight(heap: Heap, weights: number, dWeights: number, count: number): void {
  for (let n = 0; n < count; n++) {
    if (heap[weights + n] === 0) heap[dWeights + n] = 0;
  }
}

function innerProduct(heap: Heap, a: number, b: number, count: number): number {
  const shift = (b - a) | 0;
  const end = (a + count) | 0;
  let sum = 0;
  for (let p = a; p < end; p = (p + 1) | 0) sum += heap[p] * heap[(p + shift) | 0];
  return sum;
}

/** P = exponentials / row sum and dS = P ∘ (dP − mean), each in place. */
function scoreGradients(
  heap: Heap,
  weights: number,
  dScore: number,
  count: number,
  inverseSum: number,
  mean: number,
): void {
  const shift = (dScore - weights) | 0;
  const end = (weights + count) | 0;
  for (let p = weights; p < end; p = (p + 1) | 0) {
    const d = (p + shift) | 0;
    const weight = heap[p] * inverseSum;
    heap[p] = weight;
    heap[d] = weight * (heap[d] - mean);
  }
}

import type { AttentionGradients, AttentionInputs, AttentionProblem, GradientInputs, Tensor } from '@heed/core';
import { exponentials } from './exponential.ts';
import { GradientResults, addRows } from './gradient-results.ts';
import { GradientRows } from './gradient-rows.ts';
import { type Heap, fillHeap } from './heap.ts';
import { type BackwardLayout, GROUP_ROWS } from './layout.ts';
import { multiply } from './multiply.ts';
import { type QueryRow, ScoreTiles } from './score-tiles.ts';
import { ValueTiles } from './value-tiles.ts';

/**
 * The gradients, from weights that are computed anew tile by tile out of row maximum and row sum (Dao, Fu, Ermon,
 * Rudra and Ré, "FlashAttention", NeurIPS 2022, algorithm 4 and appendix B.2):
 *
 *     dV = Pᵀ dO     dP = dO Vᵀ     dS = P ∘ (dP − rowsum(dO ∘ O))     dQ = scale · dS K     dK = scale · dSᵀ Q
 *
 * The block of queries is in the outer loop, as forward: dQ stays in the heap, dK and dV are summed up in float64 for
 * one key head at a time. Yields after each tile.
 */
export function* backward(
  problem: AttentionProblem,
  inputs: AttentionInputs<Tensor>,
  forward: GradientInputs<Tensor>,
  heap: Heap,
  layout: BackwardLayout,
): Generator<void, AttentionGradients, void> {
  const pass = new BackwardPass(problem, inputs, forward, heap, layout);
  const rowCount = (problem.heads / problem.kvHeads) * problem.queryLength;
  for (let batch = 0; batch < problem.batch; batch++) {
    for (let kvHead = 0; kvHead < problem.kvHeads; kvHead++) {
      pass.results.openKeyHead();
      for (let row = 0; row < rowCount; row += layout.rows) {
        yield* pass.block(batch, kvHead, row, Math.min(layout.rows, rowCount - row));
      }
      pass.results.closeKeyHead(batch, kvHead);
    }
  }
  return pass.results.all();
}

class BackwardPass {
  readonly results: GradientResults;
  private readonly problem: AttentionProblem;
  private readonly heap: Heap;
  private readonly layout: BackwardLayout;
  private readonly tiles: ScoreTiles;
  private readonly values: ValueTiles;
  private readonly rows: GradientRows;

  constructor(
    problem: AttentionProblem,
    inputs: AttentionInputs<Tensor>,
    forward: GradientInputs<Tensor>,
    heap: Heap,
    layout: BackwardLayout,
  ) {
    this.problem = problem;
    this.heap = heap;
    this.layout = layout;
    this.results = new GradientResults(problem, inputs);
    this.tiles = new ScoreTiles(problem, inputs, heap, layout);
    this.values = new ValueTiles(problem, inputs, heap, layout);
    this.rows = new GradientRows(problem, inputs, forward, heap, layout);
  }

  *block(batch: number, kvHead: number, firstRow: number, count: number): Generator<void, void, void> {
    const { tiles, layout, heap } = this;
    tiles.openBlock(batch, kvHead, firstRow, count);
    for (let r = 0; r < count; r++) this.rows.begin(r, tiles.rows[r]!);
    fillHeap(heap, layout.dQuery, layout.dQuery + count * layout.queryStride, 0);
    for (let start = tiles.firstTile; start < tiles.endKey; start += layout.keys) {
      if (tiles.selectTile(start)) this.tile(batch, kvHead);
      yield;
    }
    for (let r = 0; r < count; r++) this.finishRow(r, tiles.rows[r]!);
  }

  /** The whole block with the selected tile. */
  private tile(batch: number, kvHead: number): void {
    const { tiles } = this;
    tiles.packKeys();
    this.values.pack(tiles, batch, kvHead);
    for (let r = 0; r < tiles.count; r += GROUP_ROWS) this.group(r, Math.min(GROUP_ROWS, tiles.count - r));
    this.addKeysAndValues();
  }

  /** Weights and score gradients of rows r, … with the selected tile, and what they add to dQuery. */
  private group(r: number, count: number): void {
    const { heap, layout, tiles } = this;
    const { weights, dScore, scoreStride, slope } = layout;
    const at = weights + r * scoreStride;
    const slopes = this.problem.softcap === null ? undefined : slope;
    const any = tiles.scoreGroup(r, count, at, slopes);
    if (any) this.weightGradients(r, count);
    for (let n = 0; n < count; n++) {
      const row = tiles.rows[r + n]!;
      // Where key 0 would lie.
      const shift = (r + n) * scoreStride - tiles.tileStart;
      if (row.from < row.to) this.gradientRow(r + n, row, slope + n * scoreStride - tiles.tileStart);
      for (const matrix of [weights, dScore]) {
        fillHeap(heap, matrix + shift + tiles.from, matrix + shift + Math.min(row.from, tiles.to), 0);
        fillHeap(heap, matrix + shift + Math.max(row.to, tiles.from), matrix + shift + tiles.to, 0);
      }
    }
    if (any) this.addQueries(r, count);
  }

  /** dP = dO Vᵀ, to where the score gradients will be. */
  private weightGradients(r: number, count: number): void {
    const { layout, tiles } = this;
    const { dOutput, value, valueStride, dScore, scoreStride } = layout;
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
      dScore + r * scoreStride + skipped,
      scoreStride,
      count,
      columns + (columns & 1),
      this.problem.valueDim,
      1,
      false,
    );
  }

  /** Scores to weights and gradients of weights to gradients of scores, for the keys of one row. */
  private gradientRow(r: number, row: QueryRow, slopes: number): void {
    const { heap, layout, rows, tiles } = this;
    const { from, to } = row;
    const shift = r * layout.scoreStride - tiles.tileStart + from;
    const weights = layout.weights + shift;
    const dScore = layout.dScore + shift;
    if (rows.rowSum[r] === 0) {
      fillHeap(heap, weights, weights + to - from, 0);
      fillHeap(heap, dScore, dScore + to - from, 0);
      return;
    }
    if (rows.isNonFinite(r)) this.nonFiniteRow(r, row, weights, dScore);
    else {
      const sum = exponentials(heap, weights, to - from, rows.rowMax[r]);
      if (sum > 0) rows.attends[r] = 1;
      scoreGradients(heap, weights, dScore, to - from, 1 / rows.rowSum[r], rows.mean[r]);
    }
    this.results.addBias(row, heap, dScore, from, to);
    if (this.problem.softcap === null) return;
    for (let n = 0; n < to - from; n++) heap[dScore + n] *= heap[slopes + from + n];
  }

  /** A row that something not finite reaches: NaN wherever it attends, exactly 0 elsewhere. */
  private nonFiniteRow(r: number, row: QueryRow, weights: number, dScore: number): void {
    const { heap, problem, results, rows } = this;
    for (let n = 0; n < row.to - row.from; n++) {
      const score = heap[weights + n];
      const attended = score !== -Infinity;
      heap[weights + n] = attended ? Math.exp(score - rows.rowMax[r]) / rows.rowSum[r] : 0;
      heap[dScore + n] = attended ? NaN : 0;
      if (!attended) continue;
      rows.attends[r] = 1;
      for (const d of rows.nonFinite.get(r) ?? []) results.valueSums[(row.from + n) * problem.valueDim + d] = NaN;
    }
  }

  /** dQ += dS K */
  private addQueries(r: number, count: number): void {
    const { layout, tiles } = this;
    const { dScore, scoreStride, key, queryStride, dQuery } = layout;
    const skipped = tiles.groupFrom - tiles.tileStart;
    multiply(
      this.heap,
      dScore + r * scoreStride + skipped,
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

  /** dV += Pᵀ dO and dK += scale · dSᵀ Q, over the rows of the block that attend to the tile. */
  private addKeysAndValues(): void {
    const { heap, layout, problem, results, tiles } = this;
    const { weights, dScore, scoreStride, dOutput, query, valueStride, queryStride } = layout;
    const attending = tiles.rows.slice(0, tiles.count).map((row) => row.from < row.to);
    const first = attending.indexOf(true);
    const depth = attending.lastIndexOf(true) + 1 - first;
    const skipped = tiles.from - tiles.tileStart;
    const count = tiles.to - tiles.from;
    const shift = first * scoreStride + skipped;
    const dOutputs = dOutput + first * valueStride;
    const queries = query + first * queryStride;
    const { dKey, dValue } = layout;
    const { headDim, valueDim, scale } = problem;
    multiply(heap, weights + shift, 1, scoreStride, dOutputs, 1, valueStride, dValue, valueStride, count, valueStride, depth, 1, false);
    addRows(results.valueSums, tiles.from, valueDim, heap, dValue, valueStride, count);
    multiply(heap, dScore + shift, 1, scoreStride, queries, 1, queryStride, dKey, queryStride, count, queryStride, depth, scale, false);
    addRows(results.keySums, tiles.from, headDim, heap, dKey, queryStride, count);
  }

  private finishRow(r: number, row: QueryRow): void {
    const { heap, layout, problem, results, rows } = this;
    results.writeQuery(row, heap, layout.dQuery + r * layout.queryStride, problem.scale);
    if (results.sinkSums !== null) results.sinkSums[row.head] += rows.sinkGradient(r, row);
  }
}

/** P = exponential / row sum, dS = P ∘ (dP − mean). */
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
    const weight = heap[p] * inverseSum;
    const d = (p + shift) | 0;
    heap[p] = weight;
    heap[d] = weight * (heap[d] - mean);
  }
}

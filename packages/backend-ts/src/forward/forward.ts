import type { AttentionInputs, AttentionProblem, AttentionResults, Tensor } from '@heed/core';
import { rowSumFrom } from '@heed/core/backend';
import { ForwardResults } from './results.ts';
import { directValues } from './direct.ts';
import { type DroppedWeights, droppedWeights } from './dropout.ts';
import { type Heap, fillHeap } from '../memory/heap.ts';
import { type ForwardLayout, GROUP_ROWS } from '../plan/layout.ts';
import { multiply } from './multiply.ts';
import { OnlineSoftmax } from './online-softmax.ts';
import type { FloatArray } from '../memory/pack.ts';
import { type QueryRow, ScoreTiles } from './score-tiles.ts';
import { Selection } from './selection.ts';
import { ValueTiles } from './value-tiles.ts';

/**
 * Attention in one pass over tiles of keys for each block of query rows (Dao, Fu, Ermon, Rudra and Ré,
 * "FlashAttention", NeurIPS 2022, algorithm 1; with the block of queries in the outer loop and one division at the end
 * as in Dao, "FlashAttention-2", 2023, section 3.1). Yields after each tile.
 */
export function* forward(
  problem: AttentionProblem,
  inputs: AttentionInputs<Tensor>,
  heap: Heap,
  layout: ForwardLayout,
): Generator<void, AttentionResults, void> {
  const pass = new ForwardPass(problem, inputs, heap, layout);
  const rowCount = (problem.heads / problem.kvHeads) * problem.queryLength;
  for (let batch = 0; batch < problem.batch; batch++) {
    for (let kvHead = 0; kvHead < problem.kvHeads; kvHead++) {
      for (let row = 0; row < rowCount; row += layout.rows) {
        yield* pass.block(batch, kvHead, row, Math.min(layout.rows, rowCount - row));
      }
    }
  }
  return pass.results.all();
}

class ForwardPass {
  readonly results: ForwardResults;
  private readonly problem: AttentionProblem;
  private readonly heap: Heap;
  private readonly layout: ForwardLayout;
  private readonly sinks: FloatArray | null;
  private readonly tiles: ScoreTiles;
  private readonly values: ValueTiles;
  private readonly softmax: OnlineSoftmax;
  private readonly selection: Selection | null;
  private readonly dropout: DroppedWeights | null;
  /** Sums up the output tile by tile; hard attention looks up one value instead. */
  private readonly sumsValues: boolean;

  constructor(problem: AttentionProblem, inputs: AttentionInputs<Tensor>, heap: Heap, layout: ForwardLayout) {
    this.problem = problem;
    this.heap = heap;
    this.layout = layout;
    this.sinks = problem.sinks ? (inputs.sinks!.data as FloatArray) : null;
    this.results = new ForwardResults(problem);
    this.tiles = new ScoreTiles(problem, inputs, heap, layout);
    this.values = new ValueTiles(problem, inputs, heap, layout);
    this.softmax = new OnlineSoftmax(heap, layout);
    this.selection = problem.selection === 'softmax' ? null : new Selection(problem, inputs, layout.rows);
    this.dropout = droppedWeights(problem, inputs);
    this.sumsValues = this.results.output !== null && this.selection === null;
  }

  *block(batch: number, kvHead: number, firstRow: number, count: number): Generator<void, void, void> {
    const { tiles, layout } = this;
    tiles.openBlock(batch, kvHead, firstRow, count);
    this.values.openHead(batch, kvHead);
    for (let r = 0; r < count; r++) this.beginRow(r);
    for (let start = tiles.firstTile; start < tiles.endKey; start += layout.keys) {
      if (tiles.selectTile(start)) this.tile();
      yield;
    }
    for (let r = 0; r < count; r++) this.finishRow(r);
  }

  private beginRow(r: number): void {
    const { heap, layout } = this;
    const row = this.tiles.rows[r]!;
    this.softmax.begin(r, this.sinks === null ? -Infinity : this.sinks[row.head]);
    this.selection?.begin(r);
    const { output, valueStride, tileMax, tileCount } = layout;
    fillHeap(heap, output + r * valueStride, output + (r + 1) * valueStride, 0);
    fillHeap(heap, tileMax + r * tileCount, tileMax + (r + 1) * tileCount, -Infinity);
  }

  /** The whole block with the selected tile. */
  private tile(): void {
    const { tiles, values } = this;
    if (this.sumsValues && tiles.isDirect) {
      for (let r = 0; r < tiles.count; r++) this.directRow(r);
      return;
    }
    if (this.sumsValues) values.pack(tiles);
    for (let r = 0; r < tiles.count; r += GROUP_ROWS) this.group(r, Math.min(GROUP_ROWS, tiles.count - r));
  }

  /** Row r with the selected tile, without packing its values, unless a value that is not finite requires it. */
  private directRow(r: number): void {
    const { heap, layout, softmax, tiles, values } = this;
    if (!tiles.scoreGroup(r, 1, layout.score)) return;
    const before = softmax.save(r);
    const row = tiles.rows[r]!;
    const scores = layout.score - tiles.tileStart;
    const count = row.to - row.from;
    const factor = softmax.absorb(r, scores + row.from, count);
    if (this.results.weights !== null) this.keepWeights(r, row, scores);
    this.dropout?.drop(row, heap, scores + row.from, 1);
    if (directValues(heap, scores + row.from, values.rows(row.from), count, layout.value)) {
      addScaled(heap, layout.output + r * layout.valueStride, layout.value, this.problem.valueDim, factor);
    } else {
      softmax.restore(r, before);
      values.pack(tiles);
      this.group(r, 1);
    }
  }

  /** Rows r, … with the selected tile. */
  private group(r: number, count: number): void {
    const { tiles, layout } = this;
    if (!tiles.scoreGroup(r, count, layout.score)) return;
    for (let n = 0; n < count; n++) {
      // Position of key 0.
      const scores = layout.score + n * layout.scoreStride - tiles.tileStart;
      const row = tiles.rows[r + n]!;
      this.selection?.consider(r + n, row, this.heap, scores + row.from);
      if (this.results.needSoftmax) this.absorbRow(r + n, row, scores);
    }
    if (this.sumsValues) this.addValues(r, count);
  }

  private absorbRow(r: number, row: QueryRow, scores: number): void {
    const { heap, tiles, layout } = this;
    this.markNonFiniteValues(r, row, scores);
    const factor = this.softmax.absorb(r, scores + row.from, row.to - row.from);
    if (this.results.weights !== null && this.selection === null) this.keepWeights(r, row, scores);
    if (!this.sumsValues) return;
    this.dropout?.drop(row, heap, scores + row.from, 1);
    if (factor !== 1) scaleRow(heap, layout.output + r * layout.valueStride, layout.valueStride, factor);
    fillHeap(heap, scores + tiles.groupFrom, scores + Math.min(row.from, tiles.groupTo), 0);
    fillHeap(heap, scores + Math.max(row.to, tiles.groupFrom), scores + tiles.groupTo, 0);
  }

  /** Makes the outputs NaN that an attended NaN or infinity of a value reaches; NaN outputs stay NaN. */
  private markNonFiniteValues(r: number, row: QueryRow, scores: number): void {
    const { heap, layout, problem, values } = this;
    for (const j of values.nonFinite) {
      if (j < row.from || j >= row.to || heap[scores + j] === -Infinity) continue;
      for (let d = 0; d < problem.valueDim; d++) {
        if (!Number.isFinite(values.at(j, d))) heap[layout.output + r * layout.valueStride + d] = NaN;
      }
    }
  }

  private addValues(r: number, count: number): void {
    const { tiles, layout } = this;
    const skipped = tiles.groupFrom - tiles.tileStart;
    multiply(
      this.heap,
      layout.score + skipped,
      layout.scoreStride,
      1,
      layout.value + skipped * layout.valueStride,
      1,
      layout.valueStride,
      layout.output + r * layout.valueStride,
      layout.valueStride,
      count,
      layout.valueStride,
      tiles.groupTo - tiles.groupFrom,
      1,
      true,
    );
  }

  /** Keeps a tile's exponentials and the maximum that they are relative to; the row's end converts them to weights. */
  private keepWeights(r: number, row: QueryRow, scores: number): void {
    const { heap, layout, results, tiles } = this;
    const start = results.weightsStart(row);
    for (let j = row.from; j < row.to; j++) results.weights![start + this.column(j)] = heap[scores + j];
    const tile = (tiles.tileStart / layout.keys) % layout.tileCount;
    heap[layout.tileMax + r * layout.tileCount + tile] = heap[layout.max + r];
  }

  private finishRow(r: number): void {
    const { results, softmax, selection } = this;
    const row = this.tiles.rows[r]!;
    const at = results.rowIndex(row);
    const max = softmax.rowMax(r);
    const sum = softmax.rowSum(r);
    if (results.rowMax !== null) {
      results.rowMax[at] = max;
      results.rowSum![at] = rowSumFrom(sum, max, results.rowMax[at]);
    }
    if (results.logSumExp !== null) results.logSumExp[at] = max + Math.log(sum);
    if (results.choice !== null) results.choice[at] = selection!.choice[r];
    if (selection !== null) this.finishChoice(r, row);
    else if (Number.isNaN(sum)) this.finishNonFinite(r, row);
    else if (sum > 0) {
      if (results.output !== null) this.finishOutput(r, row, sum);
      if (results.weights !== null) this.finishWeights(r, row, max, sum);
    }
  }

  private finishOutput(r: number, row: QueryRow, sum: number): void {
    const { heap, layout, problem, results } = this;
    const from = layout.output + r * layout.valueStride;
    const to = results.outputStart(row);
    const kept = this.dropout?.factor ?? 1;
    for (let d = 0; d < problem.valueDim; d++) results.output![to + d] = (heap[from + d] / sum) * kept;
  }

  /** Writes NaN to the output, if the row attends to anything, and to the weights of the attended keys. */
  private finishNonFinite(r: number, row: QueryRow): void {
    const { results, problem } = this;
    for (const j of this.tiles.attendedKeys(r)) {
      if (results.weights !== null) results.weights[results.weightsStart(row) + this.column(j)] = NaN;
      if (results.output === null) continue;
      const start = results.outputStart(row);
      results.output.fill(NaN, start, start + problem.valueDim);
    }
  }

  private finishWeights(r: number, row: QueryRow, max: number, sum: number): void {
    const { heap, layout, results } = this;
    const start = results.weightsStart(row);
    for (let from = row.first - (row.first % layout.keys); from < row.end; from += layout.keys) {
      const tile = (from / layout.keys) % layout.tileCount;
      const tileMax = heap[layout.tileMax + r * layout.tileCount + tile];
      if (tileMax === -Infinity) continue;
      const factor = Math.exp(tileMax - max) / sum;
      const end = Math.min(from + layout.keys, row.end);
      for (let j = Math.max(from, row.first); j < end; j++) {
        results.weights![start + this.column(j)] *= factor;
      }
    }
  }

  /** Column of key j in the weights. */
  private column(j: number): number {
    return this.problem.ring ? j % this.problem.keyLength : j;
  }

  private finishChoice(r: number, row: QueryRow): void {
    const { problem, results, selection, values } = this;
    const choice = selection!.choice[r];
    if (choice === -1) return;
    const weight = selection!.isNonFinite(r) ? NaN : 1;
    if (results.weights !== null) results.weights[results.weightsStart(row) + this.column(choice)] = weight;
    if (results.output === null) return;
    const start = results.outputStart(row);
    for (let d = 0; d < problem.valueDim; d++) {
      results.output[start + d] = weight * values.at(choice, d);
    }
  }
}

function scaleRow(heap: Heap, at: number, count: number, factor: number): void {
  const end = (at + count) | 0;
  for (let p = at; p < end; p = (p + 1) | 0) heap[p] *= factor;
}

/** to = to · factor + added, with the rounding of the packed path. */
function addScaled(heap: Heap, to: number, added: number, count: number, factor: number): void {
  for (let d = 0; d < count; d++) heap[to + d] = heap[to + d] * factor + heap[added + d];
}

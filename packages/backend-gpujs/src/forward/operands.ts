import type { AttentionInputs, AttentionProblem, Layout } from '@heed/core';
import { type VisibleKeys, broadcastStrides, rowStrides } from '@heed/core/backend';
import type { attended } from './programs/attended.ts';
import type { attending } from '../gradient/programs/attending.ts';
import type { dBias, dScores } from '../gradient/programs/gradients.ts';
import type { Program, ValuesOf } from '../platform/program.ts';
import type { rowSum } from './programs/rows.ts';
import type { scores } from './programs/scores.ts';
import type { DeviceTensor } from '../memory/device-tensor.ts';
import { MINUS_INFINITY } from '../memory/finite.ts';
import type { FloatInputs } from '../memory/float-inputs.ts';
import { rowTable, segmentLabels } from '../plan/row-table.ts';
import type { Tile } from '../plan/tiles.ts';
import type { Workspace } from '../memory/workspace.ts';

/** Rows that are summed by weights: an array, its strides in elements, and how many elements a row has. */
export interface Source {
  readonly source: unknown;
  readonly sourceBatch: number;
  readonly sourceHead: number;
  readonly sourceRow: number;
  readonly columns: number;
}

/** Arguments that differ from tile to tile, or from one use of a program to the next. */
type OfLaunch =
  | keyof Tile
  | keyof Source
  | 'scores'
  | 'maxima'
  | 'weights'
  | 'previous'
  | 'hasPrevious'
  | 'rowShift'
  | 'sliceShift'
  | 'factor'
  | 'dOutput'
  | 'deltas'
  | 'gradients';
type Shared<P extends Program> = Omit<ValuesOf<P, unknown>, OfLaunch>;

/** Arguments that the programs of a run share, by the programs' names. */
export type Operands = Shared<typeof scores> &
  Shared<typeof rowSum> &
  Shared<typeof attended> &
  Shared<typeof attending> &
  Shared<typeof dScores> &
  Shared<typeof dBias>;

/** A tensor `[B, H, L, D]` in the problem's layout as a source. */
export function sourceOf(
  array: unknown,
  layout: Layout,
  heads: number,
  length: number,
  columns: number,
): Source {
  const { batch, head, row } = rowStrides(layout, heads, length, columns);
  return { source: array, sourceBatch: batch, sourceHead: head, sourceRow: row, columns };
}

export async function operandsOf(
  problem: AttentionProblem,
  inputs: AttentionInputs<DeviceTensor>,
  floats: FloatInputs,
  visible: VisibleKeys,
  workspace: Workspace,
): Promise<Operands> {
  const { heads, kvHeads, queryLength, keyLength, headDim, valueDim, layout, softcap } = problem;
  const query = rowStrides(layout, heads, queryLength, headDim);
  const key = rowStrides(layout, kvHeads, keyLength, headDim);
  const value = rowStrides(layout, kvHeads, keyLength, valueDim);
  const [maskBatch, maskHead, maskRow, maskKey] = broadcastStrides(problem.mask?.shape ?? [1, 1, 1, 1]);
  const output = rowStrides(layout, heads, queryLength, valueDim);
  const biasShape = problem.bias?.shape ?? [1, 1, 1, 1];
  const [biasBatch, biasHead, biasRow, biasKey] = broadcastStrides(biasShape);
  const labels = problem.segments ? segmentLabels(inputs) : null;
  const zero = await workspace.upload(Float32Array.of(0));
  return {
    query: floats.query.array,
    key: floats.key.array,
    value: floats.value.array,
    // A tensor that the problem does not have is one neutral element, with strides of 0.
    mask: floats.mask?.array ?? zero,
    bias: floats.bias?.array ?? zero,
    slopes: floats.alibiSlopes?.array ?? zero,
    sinks: floats.sinks?.array ?? (await workspace.upload(Float32Array.of(MINUS_INFINITY))),
    rows: await workspace.upload(rowTable(problem, visible, labels)),
    segments: labels && keyLength > 0 ? await workspace.upload(labels.key) : zero,

    queryBatch: query.batch,
    queryHead: query.head,
    queryRow: query.row,
    keyBatch: key.batch,
    keyHead: key.head,
    keyRow: key.row,
    valueBatch: value.batch,
    valueHead: value.head,
    valueRow: value.row,
    outputBatch: output.batch,
    outputHead: output.head,
    outputRow: output.row,
    maskBatch,
    maskHead,
    maskRow,
    maskKey,
    biasBatch,
    biasHead,
    biasRow,
    biasKey,
    biasBatches: biasShape[0],
    biasHeads: biasShape[1],
    biasRows: biasShape[2],
    biasKeys: biasShape[3],
    segmentBatch: labels ? keyLength : 0,
    segmentKey: labels ? 1 : 0,
    slopeHead: problem.alibi ? 1 : 0,
    sinkHead: problem.sinks ? 1 : 0,

    heads,
    kvHeads,
    headGroup: heads / kvHeads,
    headsInRow: layout === 'bhld' ? 1 : heads,
    kvHeadsInRow: layout === 'bhld' ? 1 : kvHeads,
    queryLength,
    keyLength,
    headDim,
    valueDepth: valueDim,
    scale: problem.scale,
    softcap: softcap ?? 0,
    // A boolean mask excludes by 0 and adds nothing; any other excludes by −∞ and is added.
    maskExcludes: problem.mask?.kind === 'boolean' ? 0 : MINUS_INFINITY,
    maskFactor: problem.mask?.kind === 'float' ? 1 : 0,
    minusInfinity: MINUS_INFINITY,
    hasTerms: problem.mask?.kind === 'float' || problem.bias !== null || problem.alibi ? 1 : 0,
    // A quarter of the lowest power of two that float32 does not have.
    quarterLimit: 2 ** 126,
  };
}

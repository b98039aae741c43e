import type { AttentionInputs, AttentionProblem } from '@heed/core';
import { dropoutOf, visibleKeys } from '@heed/core/backend';
import type { GpuTensor } from '../memory/gpu-tensor.ts';
import { BASE_STRIDE } from './geometry.ts';
import { scalesOf } from './variant.ts';
import type { Params } from '../shader/params.ts';
import { BATCH_WORDS } from '../shader/scores.ts';

/**
 * The table: the small tensors that shaders read, in one buffer, since they may bind eight. First the words of each
 * batch element and the page table, then copies of slopes, sinks, segments and some scales, then, in a gradient, four words
 * for each row.
 */
export interface Table {
  readonly words: number;
  readonly places: Readonly<
    Record<
      | 'blockTableAt'
      | 'slopesAt'
      | 'sinksAt'
      | 'querySegmentsAt'
      | 'keySegmentsAt'
      | 'keyScalesAt'
      | 'valueScalesAt'
      | 'rowsAt',
      number
    >
  >;
}

/** @param rowWords for each row of [B, Hq, Lq]. */
export function tableOf(problem: AttentionProblem, rowWords: number): Table {
  const { batch, heads, kvHeads, kvBatch, queryLength, keyLength, headDim, valueDim } = problem;
  const { alibi, sinks, segments, pages, groups, valueFromKey } = problem;
  let words = BATCH_WORDS * batch;
  const place = (count: number): number => {
    const at = words;
    words += count;
    return at;
  };
  const rowsInCache = pages ? pages.count * pages.size : kvBatch * keyLength;
  const scales = (depth: number, group: number): number =>
    scalesOf(problem) === 'table' ? (rowsInCache * kvHeads * depth) / group : 0;
  const places = {
    // Behind the words of the batch: both come from the host.
    blockTableAt: place(pages ? (batch * keyLength) / pages.size : 0),
    slopesAt: place(alibi ? heads : 0),
    sinksAt: place(sinks ? heads : 0),
    querySegmentsAt: place(segments ? batch * queryLength : 0),
    keySegmentsAt: place(segments ? batch * keyLength : 0),
    keyScalesAt: place(scales(headDim, groups?.key ?? 1)),
    valueScalesAt: place(valueFromKey ? 0 : scales(valueDim, groups?.value ?? 1)),
    rowsAt: place(rowWords * batch * heads * queryLength),
  };
  return { words, places };
}

/** Tensors that are copied to the table, with their places. */
export function tableCopies(
  { places }: Table,
  problem: AttentionProblem,
  inputs: AttentionInputs<GpuTensor>,
): readonly (readonly [tensor: GpuTensor, word: number])[] {
  const all: (readonly [GpuTensor | undefined, number])[] = [
    [inputs.alibiSlopes, places.slopesAt],
    [inputs.sinks, places.sinksAt],
    [inputs.querySegments, places.querySegmentsAt],
    [inputs.keySegments, places.keySegmentsAt],
    ...(scalesOf(problem) === 'table'
      ? ([
          [inputs.keyScales, places.keyScalesAt],
          [inputs.valueScales, places.valueScalesAt],
        ] as const)
      : []),
  ];
  return all.filter((entry): entry is readonly [GpuTensor, number] => entry[0] !== undefined);
}

/** Beyond every length, and far enough from the limits of int32 for a sum. */
const FAR = 2 ** 30;

function clamp(position: number): number {
  return Math.max(-FAR, Math.min(FAR, position));
}

/** Inputs that stay on the host. */
type HostInputs = Pick<
  AttentionInputs,
  'offsets' | 'blockTable' | 'keyLengths' | 'keyStarts' | 'queryLengths' | 'seed' | 'origin'
>;

/** Keys before which no split or tile begins and no key of a ring exists: shaders count keys from there. */
function baseOf({ ring, keyLength }: AttentionProblem, { keyLengths }: HostInputs, b: number): number {
  if (!ring) return 0;
  return Math.floor(Math.max(0, keyLengths!.data[b]! - keyLength) / BASE_STRIDE) * BASE_STRIDE;
}

/** Returns the largest number of keys of a batch element, as shaders count them. */
export function longestOf(problem: AttentionProblem, inputs: HostInputs): number {
  const { keyLengths } = inputs;
  if (!keyLengths) return problem.keyLength;
  let longest = 0;
  keyLengths.data.forEach((length, b) => {
    longest = Math.max(longest, length - baseOf(problem, inputs, b));
  });
  return longest;
}

/** The words of all batch elements, and the page table behind them. */
export function batchWords(problem: AttentionProblem, inputs: HostInputs): ArrayBuffer {
  const { batch, causal, window, queryLength, keyLength } = problem;
  const { offset, first } = visibleKeys({ ...problem, window: null }, inputs);
  const { blockTable } = inputs;
  const buffer = new ArrayBuffer(4 * (BATCH_WORDS * batch + (blockTable?.data.length ?? 0)));
  const integers = new Int32Array(buffer);
  const floats = new Float32Array(buffer);
  for (let b = 0; b < batch; b++) {
    const base = baseOf(problem, inputs, b);
    const position = offset(b) - base;
    const left = window?.left ?? null;
    const right = Math.min(causal ? 0 : Infinity, window?.right ?? Infinity);
    const isNear = Math.abs(position) <= FAR;
    const at = BATCH_WORDS * b;
    integers[at] = isNear ? position : 0;
    floats[at + 1] = isNear ? 0 : position;
    integers[at + 2] = left === null ? -FAR : clamp(position - left);
    integers[at + 3] = right === Infinity ? FAR : clamp(position + right + 1);
    integers[at + 4] = (inputs.keyLengths?.data[b] ?? keyLength) - base;
    integers[at + 5] = inputs.queryLengths?.data[b] ?? queryLength;
    integers[at + 6] = Math.max(0, first(b, 0) - base);
    integers[at + 7] = base;
  }
  if (blockTable) integers.set(blockTable.data, BATCH_WORDS * batch);
  return buffer;
}

/** The seed of selection `sample` or of dropout, as two words, and where its counters begin. */
export function seedParams(problem: AttentionProblem, { seed = 0, origin }: HostInputs): Params {
  const dropout = dropoutOf(problem, { seed });
  const [seedLow, seedHigh] = dropout?.key ?? [seed >>> 0, Math.floor(seed / 2 ** 32)];
  const words = {
    seedLow,
    seedHigh,
    ...(dropout && { dropThreshold: dropout.threshold, keepFactor: dropout.factor }),
  };
  if (!origin) return words;
  const { batch, head, query, key } = origin;
  return { ...words, originBatch: batch, originHead: head, originQuery: query, originKey: key };
}

import type { AttentionInputs, AttentionProblem } from '@heed/core';
import { visibleKeys } from '@heed/core/backend';
import type { GpuTensor } from '../memory/gpu-tensor.ts';
import type { Params } from '../shader/params.ts';
import { BATCH_WORDS } from '../shader/scores.ts';

/**
 * The table: the small tensors that shaders read, in one buffer, since they may bind eight. First the words of each
 * batch element, then copies of slopes, sinks and segments, then, in a gradient, four words for each row.
 */
export interface Table {
  readonly words: number;
  readonly places: Readonly<
    Record<'slopesAt' | 'sinksAt' | 'querySegmentsAt' | 'keySegmentsAt' | 'rowsAt', number>
  >;
}

/** @param rowWords for each row of [B, Hq, Lq]. */
export function tableOf(problem: AttentionProblem, rowWords: number): Table {
  const { batch, heads, queryLength, keyLength, alibi, sinks, segments } = problem;
  let words = BATCH_WORDS * batch;
  const place = (count: number): number => {
    const at = words;
    words += count;
    return at;
  };
  const places = {
    slopesAt: place(alibi ? heads : 0),
    sinksAt: place(sinks ? heads : 0),
    querySegmentsAt: place(segments ? batch * queryLength : 0),
    keySegmentsAt: place(segments ? batch * keyLength : 0),
    rowsAt: place(rowWords * batch * heads * queryLength),
  };
  return { words, places };
}

/** Tensors that are copied to the table, with their places. */
export function tableCopies(
  { places }: Table,
  inputs: AttentionInputs<GpuTensor>,
): readonly (readonly [tensor: GpuTensor, word: number])[] {
  const all: [GpuTensor | undefined, number][] = [
    [inputs.alibiSlopes, places.slopesAt],
    [inputs.sinks, places.sinksAt],
    [inputs.querySegments, places.querySegmentsAt],
    [inputs.keySegments, places.keySegmentsAt],
  ];
  return all.filter((entry): entry is [GpuTensor, number] => entry[0] !== undefined);
}

/** Beyond every length, and far enough from the limits of int32 for a sum. */
const FAR = 2 ** 30;

function clamp(position: number): number {
  return Math.max(-FAR, Math.min(FAR, position));
}

/** The words of all batch elements. */
export function batchWords(
  problem: AttentionProblem,
  inputs: Pick<AttentionInputs, 'offsets' | 'keyLengths' | 'keyStarts' | 'queryLengths'>,
): ArrayBuffer {
  const { batch, causal, window, queryLength, keyLength } = problem;
  const { offset } = visibleKeys(problem, inputs);
  const buffer = new ArrayBuffer(4 * BATCH_WORDS * batch);
  const integers = new Int32Array(buffer);
  const floats = new Float32Array(buffer);
  for (let b = 0; b < batch; b++) {
    const position = offset(b);
    const left = window?.left ?? null;
    const right = Math.min(causal ? 0 : Infinity, window?.right ?? Infinity);
    const isNear = Math.abs(position) <= FAR;
    const at = BATCH_WORDS * b;
    integers[at] = isNear ? position : 0;
    floats[at + 1] = isNear ? 0 : position;
    integers[at + 2] = left === null ? -FAR : clamp(position - left);
    integers[at + 3] = right === Infinity ? FAR : clamp(position + right + 1);
    integers[at + 4] = inputs.keyLengths?.data[b] ?? keyLength;
    integers[at + 5] = inputs.queryLengths?.data[b] ?? queryLength;
    integers[at + 6] = inputs.keyStarts?.data[b] ?? 0;
  }
  return buffer;
}

/** The seed of selection `sample`, as two words. */
export function seedParams({ seed = 0 }: Pick<AttentionInputs, 'seed'>): Params {
  return { seedLow: seed >>> 0, seedHigh: Math.floor(seed / 2 ** 32) };
}

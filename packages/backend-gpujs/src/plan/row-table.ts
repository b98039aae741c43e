import type { AttentionInputs, AttentionProblem, Tensor } from '@heed/core';
import type { VisibleKeys } from '@heed/core/backend';
import type { DeviceTensor, HostArray } from '../memory/device-tensor.ts';

/**
 * Table of query rows for programs, `[B, Lq, 4]`: the first key the row can see, one past the last (never before the
 * first), its position among the keys, and its segment. The first key is at most Lk: in float32 others may round to
 * 2³¹, which is not an int32, the type of indices in programs.
 */
export function rowTable(
  { batch, queryLength, keyLength }: AttentionProblem,
  visible: VisibleKeys,
  segments: SegmentLabels | null,
): Float32Array {
  const table = new Float32Array(Math.max(1, batch * queryLength) * 4);
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < queryLength; i++) {
      const row = b * queryLength + i;
      const first = Math.min(visible.first(b, i), keyLength);
      table[4 * row] = first;
      table[4 * row + 1] = Math.max(first, visible.end(b, i));
      table[4 * row + 2] = i + visible.offset(b);
      table[4 * row + 3] = segments?.query[row] ?? 0;
    }
  }
  return table;
}

/** Segment ids in float32, where equal ids are equal numbers. */
export interface SegmentLabels {
  readonly query: Float32Array;
  readonly key: Float32Array;
}

/** Renumbers ids: they are any int32, of which float32 distinguishes only 24 bits. */
export function segmentLabels(inputs: AttentionInputs<DeviceTensor>): SegmentLabels {
  const labels = new Map<number, number>();
  const relabel = (tensor: DeviceTensor | undefined): Float32Array =>
    Float32Array.from((tensor as HostArray).data as Tensor<'int32'>['data'], (id) => {
      if (!labels.has(id)) labels.set(id, labels.size);
      return labels.get(id)!;
    });
  return { query: relabel(inputs.querySegments), key: relabel(inputs.keySegments) };
}

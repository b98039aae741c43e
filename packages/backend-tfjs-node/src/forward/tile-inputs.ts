import type { AttentionInputs, AttentionProblem, BroadcastShape } from '@heed/core';
import type { VisibleKeys } from '@heed/core/backend';
import type { Tensor as TfTensor } from '@tensorflow/tfjs-node';
import type { Tf } from '../platform/engine.ts';
import type { Native } from '../memory/memory.ts';
import type { HiddenKeys } from './hidden-keys.ts';
import type { SmallScores } from './small-scores.ts';
import { type Range, type Tile, lengthOf } from '../plan/tiles.ts';

/** One tile of a run, with everything needed to compute it. */
export interface Work {
  readonly tf: Tf;
  readonly problem: AttentionProblem;
  /** Query, key and value as `[B, H, L, D]`, whatever the layout. */
  readonly inputs: AttentionInputs<Native>;
  readonly visible: VisibleKeys;
  readonly hidden: HiddenKeys;
  /** True if every number of the whole run is known to be finite. */
  readonly isFinite: boolean;
  /** Rows that can do without their maximum; null if nobody looked. */
  readonly small: SmallScores | null;
  readonly tile: Tile;
}

/** Query heads that read the key/value heads of a tile. */
export function queryHeads({ problem, tile }: Work): Range {
  const headGroup = problem.heads / problem.kvHeads;
  return { start: tile.kvHeads.start * headGroup, end: tile.kvHeads.end * headGroup };
}

/** The lengths `[B, Hq, Lq, Lk]` of a tile. */
export function tileShape(work: Work): BroadcastShape {
  const { batches, rows, keys } = work.tile;
  return [lengthOf(batches), lengthOf(queryHeads(work)), lengthOf(rows), lengthOf(keys)];
}

/** The part of a tensor of four axes that lies in the ranges; axes of length 1 that are broadcast stay whole. */
export function slice(tf: Tf, tensor: TfTensor, ranges: readonly (Range | null)[]): TfTensor {
  const own = ranges.map((range, axis) => (range === null || tensor.shape[axis] === 1 ? null : range));
  const whole = own.every((range, axis) => range === null || lengthOf(range) === tensor.shape[axis]);
  if (whole) return tensor;
  return tf.slice(
    tensor,
    own.map((range) => range?.start ?? 0),
    own.map((range, axis) => (range === null ? tensor.shape[axis]! : lengthOf(range))),
  );
}

/**
 * Query rows of the tile, `[B, Hkv, G · Lq, D]`: the G heads that share a key/value head are stacked, so
 * that one product of matrices serves them and no key is copied.
 */
export function grouped(work: Work, rows: TfTensor): TfTensor {
  const { tf, tile } = work;
  const [batch, heads, length, depth] = rows.shape as [number, number, number, number];
  const kvHeads = lengthOf(tile.kvHeads);
  return kvHeads === heads ? rows : tf.reshape(rows, [batch, kvHeads, (heads / kvHeads) * length, depth]);
}

/** Inverse of {@link grouped}. */
export function ungrouped(work: Work, rows: TfTensor): TfTensor {
  const [batch, heads, length] = tileShape(work);
  return rows.shape[1] === heads ? rows : work.tf.reshape(rows, [batch, heads, length, rows.shape[3]!]);
}

/** Rows of queries, or of anything in the shape of the output, that belong to the tile: `[B, Hq, Lq, …]`. */
export function queryRows(work: Work, tensor: TfTensor): TfTensor {
  return slice(work.tf, tensor, [work.tile.batches, queryHeads(work), work.tile.rows, null]);
}

/** Keys or values of the tile, `[B, Hkv, Lk, …]`. */
export function keyRows(work: Work, tensor: TfTensor): TfTensor {
  const { batches, kvHeads, keys } = work.tile;
  return slice(work.tf, tensor, [batches, kvHeads, keys, null]);
}

/** The tile's part of a mask or bias that broadcasts against `[B, Hq, Lq, Lk]`. */
export function broadcastPart(work: Work, tensor: TfTensor, shape: BroadcastShape): TfTensor {
  const { batches, rows, keys } = work.tile;
  return slice(work.tf, work.tf.reshape(tensor, [...shape]), [batches, queryHeads(work), rows, keys]);
}

/** One number a query head, as `[1, Hq, 1, 1]`. */
export function perHead(work: Work, tensor: TfTensor): TfTensor {
  const column = work.tf.reshape(tensor, [1, work.problem.heads, 1, 1]);
  return slice(work.tf, column, [null, queryHeads(work), null, null]);
}

/** Zeros for the keys outside the tile, along an axis of its keys. */
export function padKeys({ tf, problem, tile }: Work, tensor: TfTensor, axis: number): TfTensor {
  const around: [number, number] = [
    tile.keys.start,
    problem.keyLength - tile.keys.start - tensor.shape[axis]!,
  ];
  if (around[0] === 0 && around[1] === 0) return tensor;
  return tf.pad(
    tensor,
    tensor.shape.map((_, a): [number, number] => (a === axis ? around : [0, 0])),
  );
}

import type { Tensor as TfTensor } from '@tensorflow/tfjs-node';
import { type Work, broadcastPart, perHead, slice, tileShape } from './tile-inputs.ts';
import { type Range, isDense } from '../plan/tiles.ts';

/** Terms that are added to the scores of a tile; each broadcasts against `[B, Hq, Lq, Lk]`. */
export interface ScoreTerms {
  /** Terms that exclude by −∞. */
  readonly excluding: readonly TfTensor[];
  /** The others. */
  readonly plain: readonly TfTensor[];
}

/** SPEC.md, clauses `order`, `mask`, `segments`, `alibi`, and the contiguous exclusions of `visibleKeys`. */
export function scoreTerms(work: Work): ScoreTerms {
  const { problem, inputs, tile } = work;
  const excluding: TfTensor[] = [];
  if (!isDense(tile)) excluding.push(work.hidden.mask(tile));
  if (problem.segments) excluding.push(otherSegments(work));
  if (problem.mask?.kind === 'boolean') {
    excluding.push(excludedWhereFalse(work, broadcastPart(work, inputs.mask!, problem.mask.shape)));
  }
  if (problem.mask?.kind === 'float') excluding.push(broadcastPart(work, inputs.mask!, problem.mask.shape));
  if (problem.bias !== null) excluding.push(broadcastPart(work, inputs.bias!, problem.bias.shape));
  return { excluding, plain: problem.alibi ? [distances(work)] : [] };
}

/** Returns whether some row of the tile may have nothing to attend to. */
export function mayHaveEmptyRows({ problem, tile }: Work): boolean {
  const { segments, mask, bias, alibi } = problem;
  // ALiBi excludes what it takes below float32.
  return tile.hasEmptyRows || segments || mask !== null || bias !== null || alibi;
}

/** 0 where true, −∞ where false, in one pass. */
function excludedWhereFalse({ tf }: Work, allowed: TfTensor): TfTensor {
  return tf.log(tf.cast(allowed, 'float32'));
}

function otherSegments(work: Work): TfTensor {
  const { tf, inputs, problem, tile } = work;
  const ids = (tensor: TfTensor, shape: number[], range: readonly (Range | null)[]): TfTensor =>
    slice(tf, tf.reshape(tensor, shape), range);
  const { batch, queryLength, keyLength } = problem;
  const { batches, rows, keys } = tile;
  const query = ids(inputs.querySegments!, [batch, 1, queryLength, 1], [batches, null, rows, null]);
  const key = ids(inputs.keySegments!, [batch, 1, 1, keyLength], [batches, null, null, keys]);
  return excludedWhereFalse(work, tf.equal(query, key));
}

/**
 * ALiBi (Press, Smith and Lewis, "Train short, test long", section 3), symmetric: −slope · |p − j|. A position beyond 2²⁴
 * is not a float32: |high + (low − j)| with p = high + low has one rounding, that of the distance itself.
 */
function distances(work: Work): TfTensor {
  const { tf, inputs, visible, tile } = work;
  const [batches, , rows] = tileShape(work);
  const positions = Array.from({ length: batches * rows }, (_, n) => {
    const b = tile.batches.start + Math.floor(n / rows);
    return visible.offset(b) + tile.rows.start + (n % rows);
  });
  const low = Float32Array.from(positions, (position) => position - Math.fround(position));
  const column = (numbers: ArrayLike<number>): TfTensor =>
    tf.tensor(Float32Array.from(numbers), [batches, 1, rows, 1]);
  const key = tf.range(tile.keys.start, tile.keys.end, 1, 'float32');
  const distance = low.every((number) => number === 0)
    ? tf.sub(column(positions), key)
    : tf.add(column(positions), tf.sub(column(low), key));
  return tf.mul(tf.neg(perHead(work, inputs.alibiSlopes!)), tf.abs(distance));
}

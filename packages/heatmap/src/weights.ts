import { HeedError, type Tensor, isResident, tensor } from '@heed/core';
import { choose } from './choose.ts';

/** One head's matrix, in memory of its own. */
export interface HeadMatrix {
  readonly rowCount: number;
  readonly columnCount: number;
  /** Row-major. */
  readonly values: Float64Array;
}

/**
 * The lengths of weights, `[Lq, Lk]` counting as one batch element and one head.
 *
 * @throws HeedError `SHAPE`, `DTYPE`; `ARGUMENT` for resident weights.
 */
export function lengthsOf(weights: Tensor): readonly [B: number, Hq: number, Lq: number, Lk: number] {
  if (isResident(weights)) {
    throw new HeedError('ARGUMENT', 'weights is resident, a heatmap is made of plain tensors', {
      remedy: 'await weights.read() gives a plain one',
    });
  }
  const shape: unknown = (weights as Partial<Tensor> | null | undefined)?.shape;
  if (!Array.isArray(shape) || (shape.length !== 2 && shape.length !== 4)) {
    const given = Array.isArray(shape) ? `[${shape.join(', ')}]` : 'not a tensor';
    throw new HeedError('SHAPE', `weights is ${given}, expected [Lq, Lk] or [B, Hq, Lq, Lk]`, {
      clause: 'shape',
      remedy: 'ask attention() for weights: true, or make a tensor with tensor(typedArray, shape)',
    });
  }
  // Checks that dtype, data and shape agree; the data is not copied.
  tensor(weights.data, weights.shape);
  return (shape.length === 2 ? [1, 1, ...shape] : shape) as [number, number, number, number];
}

/** @throws HeedError `SHAPE`, `DTYPE`; `ARGUMENT` for a head or batch element that is missing or not there. */
export function headOf(
  weights: Tensor,
  { batch, head }: { readonly batch?: number; readonly head?: number },
): HeadMatrix {
  const [batches, heads, rowCount, columnCount] = lengthsOf(weights);
  const b = choose('batch', 'B', batch, batches);
  const h = choose('head', 'Hq', head, heads);
  const size = rowCount * columnCount;
  const start = (b * heads + h) * size;
  return { rowCount, columnCount, values: Float64Array.from(weights.data.subarray(start, start + size)) };
}

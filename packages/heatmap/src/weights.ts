import { HeedError, type PlainTensorLike, type Tensor, isResident } from '@heed/core';
import { isHalf, numbersOf, toTensor } from '@heed/core/backend';
import { choose } from './choose.ts';

/** One head's matrix, in its own memory. */
export interface HeadMatrix {
  readonly rowCount: number;
  readonly columnCount: number;
  /** Row-major. */
  readonly values: Float64Array;
}

/** Weights as a picture takes them. */
export interface Weights {
  readonly lengths: readonly [B: number, Hq: number, Lq: number, Lk: number];
  /** Shape as given: rank 2 or 4. */
  readonly shape: readonly number[];
  readonly data: ReturnType<typeof numbersOf>;
}

/**
 * Returns the weights of any accepted tensor; `[Lq, Lk]` counts as one batch element and one head.
 *
 * @throws HeedError `SHAPE`, `DTYPE`; `ARGUMENT` for resident weights.
 */
export function weightsOf(given: PlainTensorLike): Weights {
  if (isResident(given)) {
    throw new HeedError('ARGUMENT', 'weights is resident; expected a plain tensor', {
      remedy: 'await weights.read() gives a plain one',
    });
  }
  const shaped = Array.isArray(given) ? toTensor('weights', given, 'float', 'float64') : given;
  const { shape } = (shaped ?? {}) as Partial<Tensor>;
  if (!Array.isArray(shape) || (shape.length !== 2 && shape.length !== 4)) {
    const what = Array.isArray(shape) ? `[${shape.join(', ')}]` : 'not a tensor';
    throw new HeedError('SHAPE', `weights is ${what}; expected [Lq, Lk] or [B, Hq, Lq, Lk]`, {
      clause: 'shape',
      remedy: 'ask attention() for weights: true, or make a tensor with tensor(typedArray, shape)',
    });
  }
  const checked = toTensor('weights', withDType(shaped as Tensor), 'any') as Tensor;
  const lengths = (shape.length === 2 ? [1, 1, ...shape] : shape) as unknown as Weights['lengths'];
  return { lengths, shape, data: numbersOf(checked) };
}

/** Weights may come from another program, with data alone; the dtype follows from it, except that of bits. */
function withDType({ dtype, shape, data }: Tensor): unknown {
  return isHalf(dtype) ? { dtype, shape, data } : { shape, data };
}

/** @throws HeedError `SHAPE`, `DTYPE`; `ARGUMENT` for a head or batch element that is missing or not there. */
export function headOf(
  weights: PlainTensorLike,
  { batch, head }: { readonly batch?: number | undefined; readonly head?: number | undefined },
): HeadMatrix {
  const {
    lengths: [batches, heads, rowCount, columnCount],
    data,
  } = weightsOf(weights);
  const b = choose('batch', 'B', batch, batches);
  const h = choose('head', 'Hq', head, heads);
  const size = rowCount * columnCount;
  const start = (b * heads + h) * size;
  return { rowCount, columnCount, values: Float64Array.from(data.subarray(start, start + size)) };
}

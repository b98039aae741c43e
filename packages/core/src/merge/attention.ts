import { cast, computeDType, widened } from '../float16.ts';
import type { Statistics } from '../inputs.ts';
import { checkOptions } from '../options/check-options.ts';
import { oneOf } from '../options/kinds.ts';
import type { Layout } from '../problem.ts';
import { type ComputeDType, type FloatDType, type PlainTensorLike, type Tensor, zeros } from '../tensor.ts';
import {
  checkLeader,
  checkMember,
  checkParts,
  haveAll,
  inOrder,
  outputRows,
  startsOf,
  tensorOf,
} from './parts.ts';
import { shareOf } from './shares.ts';

/** Attention over some of the keys: result of {@link mergeAttention} and, with any tensor-like values, its argument. */
export interface AttentionPart<T = Tensor> {
  readonly output: T;
  readonly statistics: Statistics<T>;
  /** `[B, Hq, Lq, Lk of the part]`. */
  readonly weights?: T;
  /** int32 `[B, Hq, Lq]`: keys that hard attention chose, counted from the first of the part. */
  readonly choice?: T;
  /** Index of the part's first key among all keys; required if the parts have weights or a choice. */
  readonly start?: number;
}

/** Attention over the keys of all parts: output, statistics, and weights and choice if the parts have them. */
export type MergedAttention<P> = Pick<AttentionPart, 'output' | 'statistics'> & {
  readonly [Name in keyof P as Name extends 'weights' | 'choice' ? Name : never]: Tensor;
};

/**
 * Merges attention over parts of the keys into attention over all keys, exactly: each part's output is weighted by its
 * share of the softmax's denominator (the merge step of FlashAttention, Dao et al. 2022, section 3.1, of split decoding
 * and of attention distributed over machines). Parts with no keys are neutral. A sink belongs to exactly one part.
 *
 * Weights of the parts are rescaled and put in their places, `[B, Hq, Lq, Lk]`. Parts with a choice are hard attention
 * (`argmax`): in each row the part with the largest score decides, among equal ones that with the lowest key. What
 * `sample` chose cannot be merged, since the noise that decided is not in its results.
 *
 * @param parts all of one shape and dtype, in any order: tensors, `{ data, shape }` or nested arrays, whose numbers take
 *   the dtype of the first part's output. With `start` in every part, sums run in the order of the starts, so that the
 *   order of the parts changes no bit. `layout` is that of the outputs, default `bhld`.
 * @throws HeedError `ARGUMENT` if there are no parts, or a start is missing; `SHAPE` or `DTYPE` if parts differ;
 *   `UNKNOWN_OPTION`.
 *
 * @example
 * ```ts
 * import { attention, mergeAttention } from '@heed/core';
 * import reference from '@heed/core/reference';
 *
 * await using backend = await reference.create();
 * const query = [[[[1, 0]]]]; // [B, H, L, D]
 * const parts = [
 *   { start: 0, key: [[[[0, 0], [1, 0]]]] },
 *   { start: 2, key: [[[[1, 0]]]] },
 * ];
 * const results = await Promise.all(
 *   parts.map(async ({ start, key }) => ({
 *     ...(await attention(backend, { query, key, value: key, selection: 'argmax', choice: true, statistics: true })),
 *     start,
 *   })),
 * );
 * console.log(mergeAttention(results).choice.data[0]); // 1
 * ```
 */
export function mergeAttention<P extends AttentionPart<PlainTensorLike>>(
  parts: readonly P[],
  options: { readonly layout?: Layout | undefined } = {},
): MergedAttention<P> {
  checkOptions('mergeAttention()', options, { layout: oneOf('bhld', 'blhd') });
  checkParts(parts, '{ output, statistics }');
  const layout = options.layout ?? 'bhld';
  const has = { weights: haveAll(parts, 'weights'), choice: haveAll(parts, 'choice') };
  const placed = (['weights', 'choice'] as const).filter((name) => has[name]).join(' and ');
  const starts = startsOf(parts, placed);
  const dtype = tensorOf('output', 0, parts[0]!.output, 'float32').dtype as FloatDType;
  const tensors = Array.from(parts, (part, index) => tensorsOf(part, index, dtype, starts));
  const first: Tensor = tensors[0]!.output;
  checkLeader('output', first, layout === 'bhld' ? '[B, Hq, Lq, Dv]' : '[B, Lq, Hq, Dv]');
  tensors.forEach((part, index) => checkPart(part, first, index, layout));
  const wide = inOrder(tensors, starts).map((part) => widened(part));
  const { output, weights, ...rest } = merged(wide, layout);
  return {
    ...rest,
    output: cast(output, dtype),
    ...(weights && { weights: cast(weights, dtype) }),
  } as MergedAttention<P>;
}

type CheckedPart = AttentionPart & { readonly start: number };

function merged(parts: readonly CheckedPart[], layout: Layout): AttentionPart {
  const { output: one, statistics: ofOne, weights: someWeights, choice: someChoice } = parts[0]!;
  const dtype = one.dtype as ComputeDType;
  const rows = ofOne.rowMax.shape as [number, number, number];
  const output = zeros(dtype, one.shape);
  const rowMax = zeros(dtype, rows);
  const rowSum = zeros(dtype, rows);
  const keyLength = Math.max(...parts.map(({ start, weights }) => start + (weights?.shape[3] ?? 0)));
  const weights = someWeights && zeros(dtype, [...rows, keyLength]);
  const choice = someChoice && zeros('int32', rows);
  const depth = one.shape[3]!;
  const shares = new Float64Array(parts.length);

  for (const [row, at] of outputRows(rows, depth, layout)) {
    let max = -Infinity;
    for (const { statistics } of parts) {
      const partMax = statistics.rowMax.data[row]!;
      max = partMax > max || Number.isNaN(partMax) ? partMax : max;
    }
    let sum = 0;
    parts.forEach(({ statistics }, index) => {
      shares[index] = shareOf(statistics, row, max);
      sum += shares[index]!;
    });
    rowMax.data[row] = max;
    rowSum.data[row] = sum;

    if (choice === undefined) softRow(parts, shares, sum, { output, at, depth });
    else {
      const chosen = chosenPart(parts, row);
      choice.data[row] = chosen === -1 ? -1 : parts[chosen]!.start + parts[chosen]!.choice!.data[row]!;
      shares.fill(0);
      sum = 1;
      if (chosen !== -1) {
        shares[chosen] = 1;
        output.data.set(parts[chosen]!.output.data.subarray(at, at + depth), at);
      }
    }
    if (weights !== undefined) addWeights(parts, shares, sum, row, weights);
  }
  return {
    output,
    statistics: { rowMax, rowSum },
    ...(weights && { weights }),
    ...(choice && { choice }),
  };
}

function softRow(
  parts: readonly CheckedPart[],
  shares: Float64Array,
  sum: number,
  { output, at, depth }: { readonly output: Tensor; readonly at: number; readonly depth: number },
): void {
  for (let d = 0; d < depth; d++) {
    let weighted = 0;
    for (let index = 0; index < parts.length; index++) {
      // An empty part is skipped, not multiplied by zero: it contributes nothing.
      if (shares[index] !== 0) weighted += shares[index]! * parts[index]!.output.data[at + d]!;
    }
    output.data[at + d] = sum === 0 ? 0 : weighted / sum;
  }
}

/** Adds a row of weights of every part, in their places. A key of two parts is excluded in one of them. */
function addWeights(
  parts: readonly CheckedPart[],
  shares: Float64Array,
  sum: number,
  row: number,
  to: Tensor,
): void {
  const keyLength = to.shape[3]!;
  parts.forEach(({ start, weights }, index) => {
    const { data, shape } = weights!;
    const length = shape[3]!;
    const share = shares[index]! / sum;
    if (shares[index] === 0) return;
    for (let j = 0; j < length; j++) {
      const weight = data[row * length + j]!;
      // An excluded key has weight 0, also beside non-finite numbers.
      if (weight !== 0) to.data[row * keyLength + start + j]! += weight * share;
    }
  });
}

/** The part whose largest score decides the row, with the lowest choice among equals; −1 for an empty row. */
function chosenPart(parts: readonly CheckedPart[], row: number): number {
  let best = -1;
  let bestScore = -Infinity;
  let bestKey = -1;
  parts.forEach(({ statistics, choice, start }, index) => {
    const sum = statistics.rowSum.data[row]!;
    if (sum === 0) return;
    const key = start + choice!.data[row]!;
    // A non-finite score decides, as in the whole row.
    const score = Number.isNaN(sum) ? NaN : statistics.rowMax.data[row]!;
    const isEqual = score === bestScore || (Number.isNaN(score) && Number.isNaN(bestScore));
    const isBetter = isEqual ? key < bestKey : score > bestScore || Number.isNaN(score);
    if (best === -1 || (isBetter && (isEqual || !Number.isNaN(bestScore)))) {
      [best, bestScore, bestKey] = [index, score, key];
    }
  });
  return best;
}

/** Returns a part as tensors whose data fill their shapes. */
function tensorsOf(
  part: AttentionPart<PlainTensorLike>,
  index: number,
  floats: FloatDType,
  starts: readonly number[] | null,
): CheckedPart {
  const { output, statistics, weights, choice } = part;
  const scores = computeDType(floats);
  return {
    output: tensorOf('output', index, output, floats),
    statistics: {
      rowMax: tensorOf('rowMax', index, statistics?.rowMax, scores),
      rowSum: tensorOf('rowSum', index, statistics?.rowSum, scores),
    },
    ...(weights !== undefined && { weights: tensorOf('weights', index, weights, floats) }),
    ...(choice !== undefined && { choice: tensorOf('choice', index, choice, 'int32') }),
    start: starts?.[index] ?? 0,
  };
}

function checkPart(
  part: CheckedPart,
  { dtype, shape }: Tensor<FloatDType>,
  index: number,
  layout: Layout,
): void {
  const { output, statistics, weights, choice } = part;
  const [b, second, third] = shape as [number, number, number, number];
  const rows = layout === 'bhld' ? [b, second, third] : [b, third, second];
  const scores = computeDType(dtype);
  checkMember('output', index, output, { shape, dtype });
  checkMember('rowMax', index, statistics.rowMax, { shape: rows, dtype: scores });
  checkMember('rowSum', index, statistics.rowSum, { shape: rows, dtype: scores });
  if (weights) checkMember('weights', index, weights, { shape: [...rows, null], dtype });
  if (choice) checkMember('choice', index, choice, { shape: rows, dtype: 'int32' });
}

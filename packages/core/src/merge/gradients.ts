import { HeedError } from '../error.ts';
import { cast, computeDType, numbersOf } from '../float16.ts';
import { checkOptions } from '../options/check-options.ts';
import { array, oneOf } from '../options/kinds.ts';
import type { Layout } from '../problem.ts';
import type { AttentionGradients } from '../results.ts';
import { writtenRuns } from '../shape.ts';
import { type FloatDType, type PlainTensorLike, type Tensor, zeros } from '../tensor.ts';
import { toTensor } from '../tensor-like.ts';
import { checkLeader, checkMember, checkParts, haveAll, inOrder, startsOf, tensorOf } from './parts.ts';

/** Gradients over some of the keys, as parts of those over all keys. */
export interface GradientPart<T = Tensor> {
  readonly dQuery: T;
  /** Left out of the merge if the parts have none, as where keys stay with those who hold them. */
  readonly dKey?: T;
  readonly dValue?: T;
  readonly dBias?: T;
  /** Present in the part that has the sink. */
  readonly dSinks?: T;
  /** Index of the part's first key among all keys; required if something of the parts lies along the keys. */
  readonly start?: number;
}

/** Gradients over all keys: those that the parts have. */
export type MergedGradients<P> = {
  readonly [Name in keyof P as Name extends keyof AttentionGradients ? Name : never]: Tensor;
};

/** Options of {@link mergeGradients}. */
export interface MergeGradientsOptions {
  /** Layout of queries, keys and values. Default `bhld`. */
  readonly layout?: Layout | undefined;
  /** Shape of the bias of all keys; required if the parts have a `dBias`. */
  readonly biasShape?: readonly number[] | undefined;
}

/**
 * Merges gradients over parts of the keys, each the part of the gradient over all keys, as `gradient(dOutput, { whole })`
 * of a call of `attention()` returns it. All rows have queries in all parts: `dQuery` is summed, and so is a `dBias` that
 * does not have an axis of keys. `dKey`, `dValue` and a `dBias` with an axis of keys are put in their places. Sums run in
 * float64 in the order of the starts, or of the parts if they have none, and are rounded once.
 *
 * @throws HeedError `ARGUMENT` if there are no parts, or a start or the shape of the bias is missing; `SHAPE` or `DTYPE`
 *   if parts differ; `UNKNOWN_OPTION`.
 *
 * @example
 * ```ts
 * import { attention, mergeAttention, mergeGradients } from '@heed/core';
 * import reference from '@heed/core/reference';
 *
 * await using backend = await reference.create();
 * const query = [[[[1, 0]]]]; // [B, H, L, D]
 * const keys = [[[[[0, 1], [1, 0]]]], [[[[1, 1]]]]];
 * const parts = await Promise.all(
 *   keys.map((key) => attention(backend, { query, key, value: key, gradient: true })),
 * );
 * const whole = mergeAttention(parts);
 * const dOutput = [[[[1, 1]]]];
 * const gradients = await Promise.all(parts.map((part) => part.gradient(dOutput, { whole })));
 * const { dQuery, dKey } = mergeGradients(gradients.map((part, n) => ({ ...part, start: [0, 2][n] })));
 * console.log(dQuery.shape, dKey.shape); // [ 1, 1, 1, 2 ] [ 1, 1, 3, 2 ]
 * ```
 */
export function mergeGradients<P extends GradientPart<PlainTensorLike>>(
  parts: readonly P[],
  options: MergeGradientsOptions = {},
): MergedGradients<P> {
  checkOptions('mergeGradients()', options, { layout: oneOf('bhld', 'blhd'), biasShape: array });
  checkParts(parts, '{ dQuery, … }');
  const { biasShape, layout = 'bhld' } = options;
  const keyAxis = layout === 'bhld' ? 2 : 1;
  const has = (name: 'dKey' | 'dValue' | 'dBias'): boolean => haveAll(parts, name);
  const [hasKey, hasValue, hasBias] = [has('dKey'), has('dValue'), has('dBias')];
  if (hasBias && biasShape === undefined) {
    throw new HeedError('ARGUMENT', 'mergeGradients(): the parts have dBias, and biasShape is undefined', {
      clause: 'merge',
      remedy: 'set biasShape to the shape of the bias of all keys',
    });
  }
  const isBiasCut =
    hasBias && (biasShape!.at(-1) !== 1 || parts.some((part) => lastLength(part.dBias!) !== 1));
  const along = [hasKey && 'dKey', hasValue && 'dValue', isBiasCut && 'dBias'].filter(Boolean).join(' and ');
  const starts = startsOf(parts, along);
  const all = inOrder(
    Array.from(parts, (part, index) => tensorsOf(part, index, starts?.[index] ?? 0)),
    starts,
  );
  const { dQuery } = all[0]!;
  checkLeader('dQuery', dQuery, layout === 'bhld' ? '[B, Hq, Lq, D]' : '[B, Lq, Hq, D]');
  const sinks = all.flatMap(({ dSinks }) => dSinks ?? []);
  return {
    dQuery: summed(
      'dQuery',
      all.map((part) => part.dQuery),
      dQuery,
    ),
    ...(hasKey && { dKey: placed('dKey', all, keyAxis, null) }),
    ...(hasValue && { dValue: placed('dValue', all, keyAxis, null) }),
    ...(hasBias && {
      dBias: isBiasCut
        ? placed('dBias', all, biasShape!.length - 1, biasShape!.at(-1)!)
        : summed(
            'dBias',
            all.map((part) => part.dBias!),
            { ...dQuery, shape: biasShape! },
          ),
    }),
    ...(sinks.length > 0 && { dSinks: summed('dSinks', sinks, sinks[0]!) }),
  } as MergedGradients<P>;
}

function lastLength(value: PlainTensorLike): number | undefined {
  return (toTensor('dBias', value, 'float') as Tensor).shape.at(-1);
}

/** Adds tensors of one shape in float64, and rounds once. */
function summed(name: string, terms: readonly Tensor[], like: Pick<Tensor, 'shape' | 'dtype'>): Tensor {
  terms.forEach((term, index) => checkMember(name, index, term, like));
  const sum = zeros('float64', like.shape);
  for (const numbers of terms.map(numbersOf)) {
    for (let n = 0; n < sum.data.length; n++) sum.data[n]! += numbers[n]!;
  }
  return cast(sum, like.dtype as FloatDType);
}

/**
 * Adds tensors in float64, each at its start along an axis, and rounds once. A key of two parts is excluded in one.
 *
 * @param length of the axis; null if the parts determine it.
 */
function placed(
  name: 'dKey' | 'dValue' | 'dBias',
  parts: readonly CheckedPart[],
  axis: number,
  length: number | null,
): Tensor {
  const { shape, dtype } = parts[0]![name]!;
  const expected: (number | null)[] = shape.map((size, a) => (a === axis ? null : size));
  parts.forEach((part, index) => checkMember(name, index, part[name]!, { shape: expected, dtype }));
  const end = Math.max(...parts.map((part) => part.start + part[name]!.shape[axis]!));
  if (length !== null && end > length) {
    throw new HeedError('SHAPE', `${name} ends at key ${end - 1}; expected at most key ${length - 1}`, {
      clause: 'merge',
      remedy: 'set start to the index of the first key of each part among all keys',
    });
  }
  const sum = zeros('float64', shape.with(axis, length ?? end));
  for (const part of parts) {
    const numbers = numbersOf(part[name]!);
    const runs = writtenRuns(sum.shape, part[name]!.shape, { axis, start: part.start });
    for (const { from, to, length: count } of runs) {
      for (let n = 0; n < count; n++) sum.data[to + n]! += numbers[from + n]!;
    }
  }
  return cast(sum, dtype as FloatDType);
}

type CheckedPart = GradientPart & { readonly start: number };

function tensorsOf(part: GradientPart<PlainTensorLike>, index: number, start: number): CheckedPart {
  const dQuery = tensorOf('dQuery', index, part.dQuery, 'float32');
  const dtype = dQuery.dtype as FloatDType;
  const names = ['dKey', 'dValue', 'dBias', 'dSinks'] as const;
  const others = names.filter((name) => part[name] !== undefined);
  return {
    dQuery,
    ...Object.fromEntries(
      others.map((name) => [
        name,
        tensorOf(name, index, part[name], name === 'dSinks' ? computeDType(dtype) : dtype),
      ]),
    ),
    start,
  };
}

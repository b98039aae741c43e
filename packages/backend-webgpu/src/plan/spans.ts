import type { AttentionProblem } from '@heed/core';
import { ELEMENT_BYTES, broadcastStrides, sizeOf } from '@heed/core/backend';
import type { Params } from '../shader/params.ts';
import { type ProblemType, type Stored, bytesOfNumber, storedRows } from './stored.ts';

/** Scales are numbers one by one. */
const SCALES: Pick<Stored, 'type' | 'aligned'> = { type: 'float32', aligned: false };

/** Part of a tensor that shaders read or write while they do some slices of batch and heads. */
export interface Span {
  /** Parameter that says what is not bound of the buffer, and the bytes that it counts. */
  readonly base: keyof Params;
  readonly unit: number;
  /** Multiple of bytes at which a binding may begin; default 256, which every device allows. */
  readonly stride?: number;
  /** Bytes of the slices `first` to `end`: from, and to. */
  bytes(first: number, end: number): readonly [from: number, to: number];
}

/** Spans by the names of tensors. */
export type Spans = Readonly<Record<string, Span>>;

/** Bytes that slices need of a tensor, from a place on where a binding may begin. */
export function windowOf(
  { bytes, stride = 256 }: Span,
  first: number,
  end: number,
): [from: number, to: number] {
  const [from, to] = bytes(first, end);
  return [Math.floor(from / stride) * stride, to];
}

/**
 * Returns the spans of the forward pass's tensors: one that is larger than what a shader can see is bound in parts.
 * With layout `blhd`, heads lie beside each other, so that a part has whole elements of the batch.
 *
 * @param packed query heads of a slice.
 */
export function spansOf(problem: AttentionProblem, packed: number, outputType?: ProblemType): Spans {
  const { batch, heads, kvHeads, kvBatch, queryLength, keyLength, headDim, valueDim } = problem;
  const { dtype, layout, mask, bias, pages, groups } = problem;
  const stored = storedRows(problem, outputType);
  const perElement = heads / packed;
  interface Rows {
    readonly each: number;
    readonly length: number;
    readonly depth: number;
    readonly rows: Pick<Stored, 'type' | 'aligned'>;
  }
  const rows = (base: keyof Params, { each, length, depth, rows: { type, aligned } }: Rows): Span => {
    const bytesEach = bytesOfNumber(type);
    const size = bytesEach * length * depth;
    // Of queries, or the heads of keys that they read.
    const headOf = (query: number): number => Math.floor((query * each) / heads);
    return {
      base,
      unit: bytesEach * (aligned ? 4 : 1),
      bytes: (first, end) => {
        if (layout === 'bhld') return [headOf(first * packed) * size, (headOf(end * packed - 1) + 1) * size];
        const [from, to] = [Math.floor(first / perElement), Math.floor((end - 1) / perElement) + 1];
        return [from * each * size, to * each * size];
      },
    };
  };
  const term = (
    base: keyof Params,
    type: 'bool' | typeof dtype,
    shape: NonNullable<typeof mask>['shape'],
  ): Span => {
    const strides = broadcastStrides(shape);
    const unit = ELEMENT_BYTES[type];
    const own = sizeOf(shape.slice(2));
    return {
      base,
      unit,
      bytes: (first, end) => {
        const [b0, b1] = [Math.floor(first / perElement), Math.floor((end - 1) / perElement)];
        const h0 = b0 === b1 ? (first % perElement) * packed : 0;
        const h1 = b0 === b1 ? ((end - 1) % perElement) * packed + packed - 1 : heads - 1;
        const at = (b: number, h: number): number => unit * (b * strides[0] + h * strides[1]);
        return [at(b0, h0), at(b1, h1) + unit * own];
      },
    };
  };
  const queries = { each: heads, length: queryLength };
  const keys = { each: kvHeads, length: keyLength };
  const bytes = ELEMENT_BYTES[dtype];
  const weights = bytes * packed * queryLength * keyLength;
  return {
    query: rows('queryBase', { ...queries, depth: headDim, rows: stored.query }),
    output: rows('outputBase', { ...queries, depth: valueDim, rows: stored.output }),
    // A shader sees all keys and values that the whole batch reads, and all pages.
    ...(kvBatch === batch &&
      pages === null && {
        key: rows('keyBase', { ...keys, depth: headDim, rows: stored.key }),
        value: rows('valueBase', { ...keys, depth: valueDim, rows: stored.value }),
        ...(groups && {
          keyScales: rows('keyScaleBase', { ...keys, depth: headDim / groups.key, rows: SCALES }),
          valueScales: rows('valueScaleBase', { ...keys, depth: valueDim / groups.value, rows: SCALES }),
        }),
      }),
    weightsOut: {
      base: 'weightsBase',
      unit: bytes,
      bytes: (first, end) => [first * weights, end * weights],
    },
    ...(mask && { mask: term('maskBase', mask.kind === 'boolean' ? 'bool' : dtype, mask.shape) }),
    ...(bias && { bias: term('biasBase', dtype, bias.shape) }),
  };
}

/**
 * Returns the spans of the tensors of a gradient's shader, whose slices are `packed` query heads. With keys of batch 1, a slice of
 * keys is read by the whole batch: then there are none.
 */
export function gradientSpansOf(problem: AttentionProblem, packed: number): Spans {
  const { query, output, bias, ...others } = spansOf(problem, packed);
  return {
    ...others,
    ...{ query: query!, dQuery: query!, dOutput: output! },
    ...(bias && { bias, dBias: bias }),
  };
}

/** Returns the spans of the output and its gradient: both are read by the same addresses, even if only one of them is float32. */
export function meansSpansOf(problem: AttentionProblem): Spans {
  const exact = spansOf(problem, 1, 'float32')['output']!;
  const dOutput = spansOf(problem, 1)['output']!;
  return { output: { ...exact, stride: (256 * exact.unit) / dOutput.unit }, dOutput };
}

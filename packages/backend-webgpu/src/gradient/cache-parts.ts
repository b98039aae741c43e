import type { AttentionProblem } from '@heed/core';
import { ELEMENT_BYTES } from '@heed/core/backend';
import { type Span, type Spans, gradientSpansOf, windowOf } from '../plan/spans.ts';

/** Bytes of a tensor, and where they are in the buffer of a part. */
interface Place {
  readonly at: number;
  readonly from: number;
  readonly bytes: number;
}

/** Slices of batch and key/value heads whose dKey and dValue lie in one buffer: those of dValue behind those of dKey. */
export interface CachePart {
  readonly slices: number;
  /** Numbers of a dispatch for these slices; null if they are all there are and no tensor has a span. */
  readonly bound: { readonly firstSlice: number; readonly spans: Spans } | null;
  readonly key: Place;
  readonly value: Place;
  /** Offset of dValue's part of the buffer, and bytes of the buffer. */
  readonly valueByte: number;
  readonly bytes: number;
}

/** Rounds up to whole words, which copies are. */
function whole(bytes: number): number {
  return 4 * Math.ceil(bytes / 4);
}

/**
 * Returns the parts of dKey and dValue: one, if a shader can see so many bytes of each tensor and of both gradients, else the
 * largest for which it can, from the first slice on. A part that even so is too large is for the dispatch to refuse.
 */
export function cacheParts(problem: AttentionProblem, most: number): CachePart[] {
  const { batch, kvBatch, heads, kvHeads } = problem;
  const slices = kvBatch * kvHeads;
  if (kvBatch !== batch) return [allOf(problem)];
  const spans = gradientSpansOf(problem, heads / kvHeads);
  const least = leastOf(problem);
  const fits = (first: number, end: number): boolean =>
    partOf(spans, first, end).bytes <= most &&
    Object.values(spans).every((span) => {
      const [from, to] = windowOf(span, first, end);
      return to - from <= most;
    });
  const parts: CachePart[] = [];
  for (let first = 0; first < slices;) {
    let end = slices;
    while (end - first > least && !fits(first, end)) {
      end = first + least * Math.max(1, Math.floor((end - first) / 2 / least));
    }
    parts.push(partOf(spans, first, end));
    first = end;
  }
  return parts;
}

/** The smallest number of slices that begin at whole words: one head, or, if heads lie beside each other, one element of the batch. */
function leastOf({ layout, kvHeads, keyLength, headDim, valueDim, cacheType }: AttentionProblem): number {
  const slices = layout === 'bhld' ? 1 : kvHeads;
  const isWhole = [headDim, valueDim].every(
    (depth) => (slices * keyLength * depth * ELEMENT_BYTES[cacheType]) % 4 === 0,
  );
  return isWhole ? slices : 2 * slices;
}

function partOf(spans: Spans, firstSlice: number, end: number): CachePart {
  const [key, value] = [placeOf(spans['key']!, firstSlice, end), placeOf(spans['value']!, firstSlice, end)];
  const valueByte = whole(key.at + key.bytes);
  return {
    slices: end - firstSlice,
    bound: { firstSlice, spans },
    key,
    value: { ...value, at: valueByte + value.at },
    valueByte,
    bytes: valueByte + whole(value.at + value.bytes),
  };
}

/** Shaders write a gradient where they read its tensor: behind the place where that is bound. */
function placeOf(span: Span, first: number, end: number): Place {
  const [from, to] = span.bytes(first, end);
  return { at: from - windowOf(span, first, end)[0], from, bytes: whole(to - from) };
}

function allOf({ kvBatch, kvHeads, keyLength, headDim, valueDim, cacheType }: AttentionProblem): CachePart {
  const [keyBytes, valueBytes] = [headDim, valueDim].map((depth) =>
    whole(kvBatch * kvHeads * keyLength * depth * ELEMENT_BYTES[cacheType]),
  ) as [number, number];
  return {
    slices: kvBatch * kvHeads,
    bound: null,
    key: { at: 0, from: 0, bytes: keyBytes },
    value: { at: keyBytes, from: 0, bytes: valueBytes },
    valueByte: keyBytes,
    bytes: keyBytes + valueBytes,
  };
}

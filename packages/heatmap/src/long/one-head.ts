import {
  type AttentionRequest,
  type RequestedResults,
  HeedError,
  type ResidentTensor,
  type Tensor,
  isResident,
  resolveRequest,
} from '@heed/core';
import { visibleKeys, zeros } from '@heed/core/backend';
import { type Range, lengthWithin, slice } from './slice.ts';

/** Request whose weights are wanted; they do not depend on values. */
export type WeightsRequest = Omit<
  AttentionRequest<Tensor | ResidentTensor>,
  'value' | 'gradient' | keyof RequestedResults
> & {
  readonly value?: Tensor | ResidentTensor | undefined;
};

/** Request on plain tensors, whichever results it names. */
export type PlainRequest = Omit<AttentionRequest<Tensor>, 'gradient' | keyof RequestedResults>;

/** One head of one batch element: its own request with B = Hq = Hkv = 1, from which rectangles are cut. */
export interface OneHead {
  readonly queryLength: number;
  readonly keyLength: number;
  /** The attention of some query rows over some keys. Sinks belong to a whole row of keys. */
  rectangle(rows: Range, keys: Range, options: { readonly sinks: boolean }): PlainRequest;
}

/** A request on plain tensors, with the smallest values that `valueDim` allows. */
export async function onHost(request: WeightsRequest, valueDim: number): Promise<PlainRequest> {
  const entries = Object.entries(request ?? {}).map(async ([name, value]) => [
    name,
    isResident(value) ? await value.read() : value,
  ]);
  const plain = Object.fromEntries(await Promise.all(entries)) as PlainRequest;
  if (!Array.isArray(plain.key?.shape)) {
    throw new HeedError('MISSING_INPUT', 'key is missing', { clause: 'shape', remedy: 'give query and key' });
  }
  const shape = [...plain.key.shape.slice(0, 3), valueDim];
  return { ...plain, value: zeros(plain.key.dtype, shape) };
}

/** @param request as {@link onHost} returns it. */
export function oneHead(request: PlainRequest, batch: number, head: number): OneHead {
  const { problem, inputs } = resolveRequest(request);
  const kvHead = Math.floor(head / (problem.heads / problem.kvHeads));
  const keyLength = inputs.keyLengths?.data[batch] ?? problem.keyLength;
  const keyStart = inputs.keyStarts?.data[batch] ?? 0;
  const queryLength = inputs.queryLengths?.data[batch] ?? problem.queryLength;
  const offset = visibleKeys(problem, inputs).offset(batch);

  const headOf = (value: unknown, index: number, element = batch): Tensor => {
    const whole = value as Tensor;
    const [length, depth] = [whole.shape[problem.layout === 'bhld' ? 2 : 1]!, whole.shape[3]!];
    const one: Range = [index, index + 1];
    const ranges: Range[] = [[element, element + 1], one, [0, length], [0, depth]];
    if (problem.layout === 'blhd') [ranges[1], ranges[2]] = [ranges[2]!, one];
    return { ...slice(whole, ranges), shape: [1, 1, length, depth] };
  };
  const query = headOf(inputs.query, head);
  const kvBatch = problem.kvBatch === problem.batch ? batch : 0;
  const key = headOf(inputs.key, kvHead, kvBatch);
  const value = headOf(inputs.value, kvHead, kvBatch);

  const rowsOf = (whole: Tensor, [start, end]: Range): Tensor =>
    slice(whole, [
      [0, 1],
      [0, 1],
      [start, end],
      [0, whole.shape[3]!],
    ]);
  /** The part of a mask or bias; axes of length 1 stay as they are. */
  const broadcast = (whole: unknown, rows: Range, keys: Range): Tensor => {
    const given = whole as Tensor;
    const full = { ...given, shape: [...Array<number>(4 - given.shape.length).fill(1), ...given.shape] };
    const wanted: Range[] = [[batch, batch + 1], [head, head + 1], rows, keys];
    return slice(
      full,
      wanted.map((range, axis) => (full.shape[axis] === 1 ? [0, 1] : range)),
    );
  };
  const segments = (whole: unknown, range: Range): Tensor =>
    slice(whole as Tensor, [[batch, batch + 1], range]);
  const ofHead = (whole: unknown): Tensor => slice(whole as Tensor, [[head, head + 1]]);

  return {
    queryLength: problem.queryLength,
    keyLength: problem.keyLength,
    rectangle: (rows, keys, { sinks }) => ({
      query: rowsOf(query, rows),
      key: rowsOf(key, keys),
      value: rowsOf(value, keys),
      scale: problem.scale,
      softcap: problem.softcap,
      causal: problem.causal,
      window: problem.window,
      ...(problem.alignment !== null && { alignment: { offset: offset + rows[0] - keys[0] } }),
      ...(inputs.mask && { mask: broadcast(inputs.mask, rows, keys) }),
      ...(inputs.bias && { bias: broadcast(inputs.bias, rows, keys) }),
      ...(inputs.keyLengths && { keyLengths: [lengthWithin(keyLength, keys)] }),
      ...(inputs.keyStarts && { keyStarts: [lengthWithin(keyStart, keys)] }),
      ...(inputs.queryLengths && { queryLengths: [lengthWithin(queryLength, rows)] }),
      ...(inputs.querySegments && { querySegments: segments(inputs.querySegments, rows) }),
      ...(inputs.keySegments && { keySegments: segments(inputs.keySegments, keys) }),
      ...(inputs.alibiSlopes && { alibiSlopes: ofHead(inputs.alibiSlopes) }),
      ...(inputs.sinks && sinks && { sinks: ofHead(inputs.sinks) }),
    }),
  };
}

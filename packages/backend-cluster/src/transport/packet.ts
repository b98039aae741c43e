import type { Tensor } from '@heed/core';
import { zeros } from '@heed/core/backend';

/** Alignment of tensors, so that every element type can be viewed in place. */
const ALIGNMENT = 8;

interface Place {
  readonly $tensor: number;
  readonly dtype: Tensor['dtype'];
  readonly shape: readonly number[];
}

/** Bytes in pieces that follow each other: some are views of tensors, so that nothing large is copied. */
export interface Pieces {
  readonly bytes: number;
  readonly pieces: readonly Uint8Array[];
}

/**
 * Encodes plain data, with tensors anywhere in it, as bytes: the length of a header, the header as JSON, and the numbers
 * of the tensors behind it as they are in memory (little-endian, as every machine that Node runs on).
 */
export function encodeInPieces(value: unknown): Pieces {
  const tensors: Uint8Array[] = [];
  let size = 0;
  const json = JSON.stringify(value, (_, part: unknown) => {
    if (!isTensor(part)) return part;
    const { dtype, shape, data } = part;
    const place: Place = { $tensor: size, dtype, shape };
    const end = size + data.byteLength;
    size = aligned(end);
    tensors.push(bytesOf(part), new Uint8Array(size - end));
    return place;
  });
  const text = new TextEncoder().encode(json);
  const header = new Uint8Array(aligned(4 + text.length));
  new DataView(header.buffer).setUint32(0, text.length, true);
  header.set(text, 4);
  return { bytes: header.length + size, pieces: [header, ...tensors] };
}

/** Encodes plain data as {@link encodeInPieces} does, in memory of its own. */
export function encode(value: unknown): Uint8Array {
  const { bytes, pieces } = encodeInPieces(value);
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/**
 * Decodes what {@link encode} made. Tensors have memory of their own.
 *
 * @throws Error for bytes that are not a packet.
 */
export function decode(bytes: Uint8Array): unknown {
  const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0, true);
  if (4 + length > bytes.length)
    throw new Error(`a packet of ${bytes.length} bytes has a header of ${length}`);
  const start = aligned(4 + length);
  const header = new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(4, 4 + length));
  return JSON.parse(header, (_, part: unknown) => {
    const place = part as Partial<Place> | null;
    if (typeof place !== 'object' || typeof place?.$tensor !== 'number') return part;
    const tensor = zeros(place.dtype!, place.shape!);
    const target = bytesOf(tensor);
    target.set(bytes.subarray(start + place.$tensor, start + place.$tensor + target.length));
    return tensor;
  });
}

/** The memory of a tensor as bytes, without a copy. */
export function bytesOf({ data }: Tensor): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** A tensor of bytes that were received, in memory of its own. */
export function tensorOf(dtype: Tensor['dtype'], shape: readonly number[], bytes: Uint8Array): Tensor {
  const tensor = zeros(dtype, shape);
  bytesOf(tensor).set(bytes);
  return tensor;
}

export function isTensor(value: unknown): value is Tensor {
  return (
    typeof value === 'object' &&
    value !== null &&
    'shape' in value &&
    ArrayBuffer.isView((value as Partial<Tensor>).data)
  );
}

function aligned(size: number): number {
  return Math.ceil(size / ALIGNMENT) * ALIGNMENT;
}

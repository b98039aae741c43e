import type { Tensor } from '@heed/core';
import { zeros } from '@heed/core/backend';

/** Alignment of tensors, so that every element type can be viewed in place. */
const ALIGNMENT = 8;

interface Place {
  readonly $tensor: number;
  readonly dtype: Tensor['dtype'];
  readonly shape: readonly number[];
}

/**
 * Encodes plain data, with tensors anywhere in it, as bytes: the length of a header, the header as JSON, and the numbers
 * of the tensors behind it as they are in memory (little-endian, as every machine that Node runs on).
 */
export function encode(value: unknown): Uint8Array {
  const tensors: Uint8Array[] = [];
  let size = 0;
  const json = JSON.stringify(value, (_, part: unknown) => {
    if (!isTensor(part)) return part;
    const { dtype, shape, data } = part;
    const place: Place = { $tensor: size, dtype, shape };
    tensors.push(bytesOf(part));
    size = aligned(size + data.byteLength);
    return place;
  });
  const header = new TextEncoder().encode(json);
  const start = aligned(4 + header.length);
  const bytes = new Uint8Array(start + size);
  new DataView(bytes.buffer).setUint32(0, header.length, true);
  bytes.set(header, 4);
  let at = start;
  for (const tensor of tensors) {
    bytes.set(tensor, at);
    at = aligned(at + tensor.length);
  }
  return bytes;
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

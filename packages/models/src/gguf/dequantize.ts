import type { BlockType, StoredWeight, Tensor } from '@heed/core';
import { cast, type BlockWeight } from '@heed/core';
import { decodeBlocks, isBlockType, sizeOf } from '@heed/core/backend';
import type { ReadType } from './types.ts';

const BLOCKS: Readonly<Partial<Record<ReadType, BlockType>>> = { Q8_0: 'q8_0', Q4_0: 'q4_0', Q4_1: 'q4_1' };

/** A tensor of the file as it is stored, on the bytes that were read. */
export function storedOf(
  type: ReadType,
  shape: readonly number[],
  bytes: Uint8Array,
): Tensor<'float32'> | StoredWeight {
  const block = BLOCKS[type];
  if (block !== undefined) return { dtype: block, shape: [...shape], data: bytes };
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = sizeOf(shape);
  if (type === 'F16') {
    const bits = Uint16Array.from({ length: size }, (_, n) => data.getUint16(2 * n, true));
    return { dtype: 'float16', shape: [...shape], data: bits };
  }
  const numbers = Float32Array.from({ length: size }, (_, n) => data.getFloat32(4 * n, true));
  return { dtype: 'float32', shape: [...shape], data: numbers };
}

/** The numbers of a stored tensor, each rounded once to float32. */
export function dequantize(stored: Tensor<'float32'> | StoredWeight): Tensor<'float32'> {
  if (!isBlockType(stored.dtype)) return cast(stored as Tensor, 'float32');
  const numbers = new Float64Array(sizeOf(stored.shape));
  decodeBlocks(stored as BlockWeight, 0, numbers);
  return { dtype: 'float32', shape: [...stored.shape], data: Float32Array.from(numbers) };
}

import { halfTable, isHalf, numbersOf } from '../float16.ts';
import { type ComputeDType, type HalfDType, type Tensor, sizeOf } from '../tensor.ts';

/**
 * Types of weights in blocks of 32 numbers, as ggml stores them. All begin with a scale d in float16. `q8_0`: 34 bytes,
 * d · q with q an int8. `q4_0`: 18 bytes, d · (q − 8); `q4_1`: 20 bytes, d · q + m, with a minimum m in float16 behind the
 * scale. The last 16 bytes of both have q in 0…15: byte n has that of number n in its low half and that of number n + 16 in its
 * high half. Numbers in float16 are little-endian.
 */
export type BlockType = 'q8_0' | 'q4_0' | 'q4_1';

/** Types in which only weights are stored: activations stay in the type of the problem. */
export type StoredType = HalfDType | BlockType;

/** Element type of a weight. */
export type WeightType = ComputeDType | StoredType;

/** Every type in which weights can be stored beside float32 activations. */
export const STORED_TYPES: readonly StoredType[] = ['float16', 'bfloat16', 'q8_0', 'q4_0', 'q4_1'];

/** A weight in blocks, with the bytes as a file has them. Plain data, like a tensor. */
export interface BlockWeight<D extends BlockType = BlockType> {
  readonly dtype: D;
  /** `[out, in]`; `in` is a multiple of 32. */
  readonly shape: readonly number[];
  /** Blocks row by row, those of a row side by side along `in`. */
  readonly data: Uint8Array;
}

/** A weight whose numbers are decoded where they are used: bits of 16-bit floats, or blocks. */
export type StoredWeight = Tensor<HalfDType> | BlockWeight;

/** Numbers in a block. */
export const BLOCK_LENGTH = 32;

/** Bytes of a block, its scale and minimum included. */
export const BLOCK_BYTES: Readonly<Record<BlockType, number>> = { q8_0: 34, q4_0: 18, q4_1: 20 };

/** Returns whether a type stores weights in blocks. */
export function isBlockType(type: unknown): type is BlockType {
  return type === 'q8_0' || type === 'q4_0' || type === 'q4_1';
}

/** Returns whether weights have a type other than that of the activations. */
export function isStoredType(type: WeightType): type is StoredType {
  return isHalf(type) || isBlockType(type);
}

/**
 * Decodes blocks exactly: d · q + m of two float16 numbers needs up to 44 bits.
 *
 * @param first index of the first number, a multiple of 32.
 * @param to receives the numbers; its length is a multiple of 32.
 */
export function decodeBlocks({ dtype, data }: BlockWeight, first: number, to: Float64Array): void {
  const bytes = BLOCK_BYTES[dtype];
  const table = halfTable('float16');
  const half = (at: number): number => table[data[at]! | (data[at + 1]! << 8)]!;
  let at = (first / BLOCK_LENGTH) * bytes;
  for (let n = 0; n < to.length; n += BLOCK_LENGTH, at += bytes) {
    const scale = half(at);
    if (dtype === 'q8_0') {
      for (let i = 0; i < BLOCK_LENGTH; i++) to[n + i] = scale * ((data[at + 2 + i]! << 24) >> 24);
      continue;
    }
    const minimum = dtype === 'q4_1' ? half(at + 2) : -8 * scale;
    const pairs = at + bytes - BLOCK_LENGTH / 2;
    for (let i = 0; i < BLOCK_LENGTH / 2; i++) {
      const pair = data[pairs + i]!;
      to[n + i] = scale * (pair & 15) + minimum;
      to[n + i + BLOCK_LENGTH / 2] = scale * (pair >> 4) + minimum;
    }
  }
}

/** The exact numbers of a weight. */
export function weightNumbers(weight: Tensor | BlockWeight): Exclude<Tensor['data'], Uint16Array> {
  if (!isBlockType(weight.dtype)) return numbersOf(weight as Tensor);
  const numbers = new Float64Array(sizeOf(weight.shape));
  decodeBlocks(weight as BlockWeight, 0, numbers);
  return numbers;
}

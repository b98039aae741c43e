import { fromFloat16 } from '@heed/core/backend';
import type { ReadType } from './types.ts';

const HALF = 16;

/**
 * Numbers of a tensor's bytes, each rounded once to float32. A block of 32 has a scale d in float16 (ggml, `block_q8_0`, `block_q4_0`, `block_q4_1`):
 * Q8_0 d · q with q in −128…127; Q4_0 d · (q − 8); Q4_1 d · q + m with a minimum m in float16. Byte n of the sixteen behind holds q of
 * number n in its low half and of number n + 16 in its high half.
 */
export function dequantize(type: ReadType, bytes: Uint8Array, count: number): Float32Array {
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const result = new Float32Array(count);
  const half = (at: number): number => fromFloat16(data.getUint16(at, true));
  switch (type) {
    case 'F32':
      for (let n = 0; n < count; n++) result[n] = data.getFloat32(4 * n, true);
      return result;
    case 'F16':
      for (let n = 0; n < count; n++) result[n] = half(2 * n);
      return result;
    case 'Q8_0':
      for (let n = 0, at = 0; n < count; n += 32, at += 34) {
        const scale = half(at);
        for (let i = 0; i < 32; i++) result[n + i] = scale * data.getInt8(at + 2 + i);
      }
      return result;
    case 'Q4_0':
      for (let n = 0, at = 0; n < count; n += 32, at += 18) {
        const scale = half(at);
        unpack(bytes, at + 2, result, n, scale, -8 * scale);
      }
      return result;
    case 'Q4_1':
      for (let n = 0, at = 0; n < count; n += 32, at += 20) {
        unpack(bytes, at + 4, result, n, half(at), half(at + 2));
      }
      return result;
  }
}

/** scale · q + offset of a block's 32 numbers. */
function unpack(
  bytes: Uint8Array,
  at: number,
  result: Float32Array,
  n: number,
  scale: number,
  offset: number,
): void {
  for (let i = 0; i < HALF; i++) {
    const pair = bytes[at + i];
    result[n + i] = scale * (pair & 15) + offset;
    result[n + i + HALF] = scale * (pair >> 4) + offset;
  }
}

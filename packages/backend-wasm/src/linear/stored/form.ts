import type { StoredType, StoredWeight } from '@heed/core';
import { BLOCK_BYTES, BLOCK_LENGTH, fromFloat16, isBlockType } from '@heed/core/backend';

/** Factor of the scales: numbers are decoded as multiples of it, for they are left in the upper bits of 32. */
const SCALE_POWER: Readonly<Record<StoredType, number>> = {
  float16: 0,
  bfloat16: 0,
  q8_0: -24,
  q4_0: -28,
  q4_1: -24,
};

/** Outputs whose weights lie side by side: two vectors of them. */
export const PANEL_OUTPUTS = 8;

/**
 * Form of stored weights in memory: panels of eight outputs, `[panels, in / length]` blocks. A block has eight scales and,
 * where the type has them, eight minimums, as float32; then, 16 bytes at a time, the numbers of eight outputs of one, two
 * or four steps of the sum. Scales are times 2^{@link SCALE_POWER}. There is an even number of panels, 0 after the last output.
 */
export interface Form {
  readonly type: StoredType;
  /** Steps of the sum in a block, and in 16 bytes. */
  readonly length: number;
  readonly steps: 1 | 2 | 4;
  readonly minimums: boolean;
  /** Bytes of scales and minimums, and of the whole block. */
  readonly head: number;
  readonly bytes: number;
}

export function formOf(type: StoredType): Form {
  const steps = type === 'q8_0' ? 2 : isBlockType(type) ? 4 : 1;
  const length = isBlockType(type) ? BLOCK_LENGTH : 1;
  const minimums = type === 'q4_1';
  const head = isBlockType(type) ? 4 * PANEL_OUTPUTS * (minimums ? 2 : 1) : 0;
  return { type, length, steps, minimums, head, bytes: head + (16 * length) / steps };
}

/** Number of panels for so many outputs. */
export function panelsFor(outputs: number): number {
  return 2 * Math.ceil(outputs / (2 * PANEL_OUTPUTS));
}

/** Writes a weight in its form, to memory that is 0. */
export function writePanels({ dtype, shape, data }: StoredWeight, to: Uint8Array): void {
  const [outputs, inputs] = shape as [number, number];
  const form = formOf(dtype);
  const blocks = inputs / form.length;
  const view = new DataView(to.buffer, to.byteOffset, to.byteLength);
  for (let output = 0; output < outputs; output++) {
    const lane = output % PANEL_OUTPUTS;
    const panel = ((output - lane) / PANEL_OUTPUTS) * blocks * form.bytes;
    if (isBlockType(dtype)) {
      const size = BLOCK_BYTES[dtype];
      for (let b = 0; b < blocks; b++) {
        writeBlock(
          form,
          data as Uint8Array,
          (output * blocks + b) * size,
          { view, bytes: to },
          panel + b * form.bytes,
          lane,
        );
      }
    } else {
      for (let k = 0; k < inputs; k++) {
        view.setUint16(panel + 16 * k + 2 * lane, data[output * inputs + k]!, true);
      }
    }
  }
}

function writeBlock(
  { type, head, minimums }: Form,
  from: Uint8Array,
  start: number,
  { view, bytes }: { readonly view: DataView; readonly bytes: Uint8Array },
  block: number,
  lane: number,
): void {
  const half = (at: number): number => fromFloat16(from[at]! | (from[at + 1]! << 8));
  view.setFloat32(block + 4 * lane, half(start) * 2 ** SCALE_POWER[type], true);
  if (minimums) view.setFloat32(block + 32 + 4 * lane, half(start + 2), true);
  const numbers = start + (minimums ? 4 : 2);
  const at = block + head + lane;
  if (type === 'q8_0') {
    for (let k = 0; k < BLOCK_LENGTH; k++) bytes[at + PANEL_OUTPUTS * k] = from[numbers + k]!;
    return;
  }
  const number = (k: number): number => {
    const pair = from[numbers + (k % 16)]!;
    return k < 16 ? pair & 15 : pair >> 4;
  };
  // Of q4_0, in two's complement: q − 8 of four bits is q with its highest bit changed.
  const sign = type === 'q4_0' ? 0x88 : 0;
  for (let k = 0; k < BLOCK_LENGTH; k += 4) {
    for (let n = 0; n < 2; n++) {
      const pair = number(k + n) | (number(k + n + 2) << 4);
      bytes[at + 4 * k + PANEL_OUTPUTS * n] = pair ^ sign;
    }
  }
}

/** Returns whether a weight of a 16-bit type has NaN or infinity, for which its decoder has no code. */
export function isFinite16({ dtype, data }: StoredWeight): boolean {
  if (dtype !== 'float16') return true;
  return (data as Uint16Array).every((bits) => (bits & 0x7c00) !== 0x7c00);
}

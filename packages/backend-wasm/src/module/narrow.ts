import type { FloatDType } from '@heed/core';
import { type Block, type Code, type Locals, i16x8, int, v128 } from '@heed/core/wasm';
import { interleaved } from './storage.ts';

/**
 * Code that reads numbers of a narrow type in inner loops: whole vectors of them, times a power of two that the caller makes
 * up for elsewhere, and nothing done for NaN and infinity beyond noticing them.
 */
export interface NarrowReader {
  /** Numbers read at one time. */
  readonly numbers: 8;
  /** Reading gives the number times 2^−power. */
  readonly power: number;
  /** Code to put before the loops. */
  readonly prepare: Block;
  /** Reads at an address. `prepare` comes before the vectors, which hold the numbers in their order. */
  read(
    address: Code<'i32'>,
    offset: number,
  ): { readonly prepare: Block; readonly vectors: readonly Code<'v128'>[] };
  /** Code that says whether something that was read was NaN or infinite; null if it shows in sums. */
  readonly notices: Code<'i32'> | null;
}

export function narrowReader(dtype: FloatDType, body: Locals): NarrowReader {
  const [bits, zero] = body.locals('v128', 2);
  if (dtype !== 'float16') {
    return {
      numbers: 8,
      power: 0,
      prepare: [],
      read: (address, offset) => ({
        prepare: bits.set(v128.load(address, offset)),
        vectors: [interleaved(zero, bits, 0), interleaved(zero, bits, 4)],
      }),
      notices: null,
    };
  }
  const [high, low, largest, magnitude, upper] = body.locals('v128', 5);
  return {
    numbers: 8,
    power: 112,
    prepare: [
      magnitude.set(i16x8.splat(int(0x7fff))),
      upper.set(i16x8.splat(int(0x8fff))),
      largest.set(i16x8.splat(int(0))),
    ],
    // The halves of `scaledFloat16`, of eight numbers at a time.
    read: (address, offset) => ({
      prepare: [
        bits.set(v128.load(address, offset)),
        largest.set(i16x8.maxS(largest, v128.and(bits, magnitude))),
        high.set(v128.and(i16x8.shrS(bits, int(3)), upper)),
        low.set(i16x8.shl(bits, int(13))),
      ],
      vectors: [interleaved(low, high, 0), interleaved(low, high, 4)],
    }),
    notices: v128.anyTrue(i16x8.gtS(largest, i16x8.splat(int(0x7bff)))),
  };
}

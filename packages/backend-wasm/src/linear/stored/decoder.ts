import {
  type Block,
  type Code,
  type Locals,
  type Variable,
  after,
  i16x8,
  i32x4,
  int,
  v128,
} from '@heed/core/wasm';
import type { Element } from '../../module/element.ts';
import { interleaved, upperBytes } from '../../module/storage.ts';
import type { Form } from './form.ts';

/** Code that decodes weights of eight outputs in registers: w = d · q + m, in float32. */
export interface WeightDecoder {
  /** Code to put before the loops. */
  readonly prepare: Block;
  /** Code to put at the beginning of a block, at whose address its scales and minimums lie. */
  openBlock(block: Code<'i32'>, offset?: number): Block;
  /** Decodes 16 bytes. For each step of the sum, in their order: the weights of outputs 0 to 3, and of 4 to 7. */
  decode(address: Code<'i32'>, offset?: number): { readonly prepare: Block; readonly steps: readonly Pair[] };
}

type Pair = readonly [Code<'v128'>, Code<'v128'>];

export function weightDecoder(
  { vector, scalar, madd }: Element,
  body: Locals,
  { type, minimums }: Form,
): WeightDecoder {
  const [bits, zero, mask, wide, part] = body.locals('v128', 5);
  const halves = (low: Code<'v128'>, high: Code<'v128'>): Pair => [
    interleaved(low, high, 0),
    interleaved(low, high, 4),
  ];
  if (type === 'bfloat16') {
    return {
      prepare: [],
      openBlock: () => [],
      decode: (address, offset) => ({
        prepare: bits.set(v128.load(address, offset)),
        steps: [halves(zero, bits)],
      }),
    };
  }
  if (type === 'float16') {
    const [high, low, power] = body.locals('v128', 3);
    const scaled = (number: Code<'v128'>): Code<'v128'> => vector.mul(number, power);
    const [first, second] = halves(low, high);
    return {
      prepare: [mask.set(i16x8.splat(int(0x8fff))), power.set(vector.splat(scalar.const(2 ** 112)))],
      openBlock: () => [],
      // As `scaledFloat16` of storage.ts; weights that are not finite do not come here.
      decode: (address, offset) => ({
        prepare: [
          bits.set(v128.load(address, offset)),
          high.set(v128.and(i16x8.shrS(bits, int(3)), mask)),
          low.set(i16x8.shl(bits, int(13))),
        ],
        steps: [[scaled(first), scaled(second)]],
      }),
    };
  }
  const scales = body.locals('v128', 2);
  const least = minimums ? body.locals('v128', 2) : null;
  const number = (integers: Code<'v128'>, half: 0 | 1): Code<'v128'> => {
    const float = i32x4.toF32(integers);
    return least === null ? vector.mul(float, scales[half]) : madd(float, scales[half], least[half]);
  };
  /** Steps of two times eight bytes. */
  const stepsOf = (bytes: Variable<'v128'>): Pair[] =>
    ([0, 8] as const).map((first) => {
      const [low, high] = halves(zero, wide);
      return [after(wide.set(upperBytes(zero, bytes, first)), number(low, 0)), number(high, 1)] as const;
    });
  const opened = (block: Code<'i32'>, offset = 0): Block => [
    scales.map((scale, n) => scale.set(v128.load(block, offset + 16 * n))),
    least?.map((minimum, n) => minimum.set(v128.load(block, offset + 32 + 16 * n))) ?? [],
  ];
  if (type === 'q8_0') {
    return {
      prepare: [],
      openBlock: opened,
      decode: (address, offset) => ({
        prepare: bits.set(v128.load(address, offset)),
        steps: stepsOf(bits),
      }),
    };
  }
  const signed = type === 'q4_0';
  const low = v128.and(signed ? i16x8.shl(bits, int(4)) : bits, mask);
  const high = v128.and(signed ? bits : i16x8.shrU(bits, int(4)), mask);
  return {
    prepare: mask.set(i16x8.splat(int(signed ? 0xf0f0 : 0x0f0f))),
    openBlock: opened,
    decode(address, offset) {
      const first = stepsOf(part);
      const second = stepsOf(part);
      return {
        prepare: [bits.set(v128.load(address, offset)), part.set(low)],
        steps: [...first, [after(part.set(high), second[0]![0]), second[0]![1]], second[1]!],
      };
    },
  };
}

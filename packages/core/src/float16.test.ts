import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cast, halfTable, toHalf } from './float16.ts';
import { type HalfDType, tensor } from './tensor.ts';

const TYPES: readonly HalfDType[] = ['float16', 'bfloat16'];

function bitsOf(dtype: HalfDType, number: number): number {
  const bits = new Uint16Array(1);
  toHalf(dtype, [number], bits);
  return bits[0]!;
}

describe.each(TYPES)('%s', (dtype) => {
  const table = halfTable(dtype);
  const infinity = dtype === 'float16' ? 0x7c00 : 0x7f80;

  test('every pattern of bits comes back, and NaN stays NaN', () => {
    const wrong = Array.from(table.keys()).filter((bits) => {
      const back = bitsOf(dtype, table[bits]!);
      return (bits & 0x7fff) > infinity ? !Number.isNaN(table[back]) : back !== bits;
    });
    expect(wrong).toEqual([]);
  });

  test('a middle goes to the even neighbor, a little beside it to the nearer', () => {
    const wrong: string[] = [];
    for (let bits = 0; bits < infinity; bits++) {
      const [low, high] = [
        table[bits]!,
        bits + 1 === infinity ? 2 * table[bits]! - table[bits - 1]! : table[bits + 1]!,
      ];
      const middle = (low + high) / 2;
      const even = bits % 2 === 0 ? bits : bits + 1;
      for (const sign of [1, -1]) {
        const at = (number: number): number => bitsOf(dtype, sign * number) & 0x7fff;
        if (at(middle) !== even) wrong.push(`middle above ${bits}`);
        if (at(middle * (1 - 2 ** -52)) !== bits) wrong.push(`below the middle above ${bits}`);
        if (at(middle * (1 + 2 ** -51)) !== bits + 1) wrong.push(`above the middle above ${bits}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test('no number of the type is nearer', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, min: -1e39, max: 1e39 }), (number) => {
        const bits = bitsOf(dtype, number) & 0x7fff;
        if (bits >= infinity) return Math.abs(number) > table[infinity - 1]!;
        const distance = Math.abs(Math.abs(number) - table[bits]!);
        const neighbors = [bits - 1, bits + 1].filter((place) => place >= 0 && place < infinity);
        return neighbors.every((place) => Math.abs(Math.abs(number) - table[place]!) >= distance);
      }),
    );
  });
});

test('numbers known from elsewhere', () => {
  // 1, 1/3, the largest, the first that is infinite, the smallest subnormal, half of it.
  const numbers = [1, 1 / 3, 65504, 65520, 2 ** -24, 2 ** -25, -2, NaN];
  expect(numbers.map((number) => bitsOf('float16', number))).toEqual([
    0x3c00, 0x3555, 0x7bff, 0x7c00, 1, 0, 0xc000, 0x7e00,
  ]);
  expect([1, 1 / 3, 3.4e38, -2].map((number) => bitsOf('bfloat16', number))).toEqual([
    0x3f80, 0x3eab, 0x7f80, 0xc000,
  ]);
});

test('cast() rounds a float64 once', () => {
  // In float32 it becomes the midpoint of two float16 numbers, which rounds to the even one.
  const number = 1 + 2 ** -11 + 2 ** -40;
  const given = tensor(Float64Array.of(number), [1]);
  expect(cast(given, 'float16').data[0]).toBe(0x3c01);
  expect(cast(given, 'float64')).toBe(given);
  expect(() => cast(tensor(Int32Array.of(1), [1]), 'float16')).toThrow(/int32/);
  expect(() => cast(given, 'float8' as never)).toThrow(/float8/);
});

import type { FloatDType } from '@heed/core';
import { halfTable, isHalf, toHalf } from '@heed/core/backend';

/** The first and the last number that rounding to nearest makes a number. */
export type Rounded = (number: number) => readonly [from: number, to: number];

/**
 * The numbers that become one of a 16-bit type when they are rounded to nearest: up to the middles between it and its
 * neighbors, and for infinity from half a last place above the largest number on. Undefined for wider types, whose
 * rounding the bound counts.
 */
export function roundedOf(dtype: FloatDType): Rounded | undefined {
  if (!isHalf(dtype)) return undefined;
  const table = halfTable(dtype);
  const infinity = dtype === 'float16' ? 0x7c00 : 0x7f80;
  const bits = new Uint16Array(1);
  /** A number of the type by its place among those ≥ 0, the one after the largest as if the type went on. */
  const at = (place: number): number =>
    place < infinity ? table[place]! : 2 * table[infinity - 1]! - table[infinity - 2]!;
  return (number) => {
    if (Number.isNaN(number)) return [NaN, NaN];
    toHalf(dtype, [Math.abs(number)], bits);
    const place = bits[0]!;
    const from = place === 0 ? -at(1) / 2 : (at(place - 1) + at(place)) / 2;
    const to = place === infinity ? Infinity : (at(place) + at(place + 1)) / 2;
    return number < 0 || Object.is(number, -0) ? [-to, -from] : [from, to];
  };
}

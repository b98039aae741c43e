/**
 * Replacements for numbers that are not finite. WGSL and GLSL may assume that infinity and NaN do not exist, so none
 * ever reaches a program:
 *
 * - −∞, which masks are full of, becomes {@link MINUS_INFINITY}, and programs know it.
 * - NaN, +∞, and a number that happens to be the code, become a finite neighbor. The host computes their effect on the
 *   results (`forward/non-finite.ts`).
 */

/** −2¹²⁷, which is exact in every float32 format and parser. */
export const MINUS_INFINITY: number = -(2 ** 127);
const NEXT_TO_IT = MINUS_INFINITY * (1 - 2 ** -24);

/** Elements that an encoded array leaves out, and bounds of the others. */
export interface Exceptions {
  /** True if there may be codes for −∞. */
  readonly minusInfinity: boolean;
  /** Elements, by index, that a program does not see. */
  readonly values: ReadonlyMap<number, number>;
  /** Bounds of the others. */
  readonly minimum: number;
  readonly maximum: number;
}

/** Exceptions of an array that programs have filled, and that nobody has inspected. */
export const UNSEEN: Exceptions = {
  minusInfinity: false,
  values: new Map(),
  minimum: -Infinity,
  maximum: Infinity,
};

/** Encodes an array for programs; returns the same array if it is finite. */
export function encode(data: Float32Array): { encoded: Float32Array; exceptions: Exceptions } {
  const { minimum, maximum, isFinite } = rangeOf(data);
  const values = new Map<number, number>();
  if (isFinite) return { encoded: data, exceptions: { minusInfinity: false, values, minimum, maximum } };
  let minusInfinity = false;
  const encoded = data.map((number, index) => {
    if (number === -Infinity) {
      minusInfinity = true;
      return MINUS_INFINITY;
    }
    if (Number.isFinite(number) && number !== MINUS_INFINITY) return number;
    values.set(index, number);
    return number === MINUS_INFINITY ? NEXT_TO_IT : 0;
  });
  return { encoded, exceptions: { minusInfinity, values, minimum, maximum } };
}

/** Bounds of the finite numbers, including 0, and whether all are finite and none is the code. */
function rangeOf(data: Float32Array): { minimum: number; maximum: number; isFinite: boolean } {
  let [minimum, maximum, isFinite] = [0, 0, true];
  for (let n = 0; n < data.length; n++) {
    const number = data[n]!;
    if (number - number !== 0 || number === MINUS_INFINITY) isFinite = false;
    else if (number < minimum) minimum = number;
    else if (number > maximum) maximum = number;
  }
  return { minimum: isFinite ? minimum : Math.min(minimum, NEXT_TO_IT), maximum, isFinite };
}

/** Decodes in place. */
export function decode(encoded: Float32Array, { minusInfinity, values }: Exceptions): Float32Array {
  if (minusInfinity) {
    for (let n = 0; n < encoded.length; n++) if (encoded[n] === MINUS_INFINITY) encoded[n] = -Infinity;
  }
  for (const [index, value] of values) encoded[index] = value;
  return encoded;
}

/** Returns whether NaN or +∞ was left out; −∞, which excludes in a mask and in a sink, is a separate member. */
export function hasNaNOrInfinity({ values }: Exceptions): boolean {
  for (const value of values.values()) if (!Number.isFinite(value)) return true;
  return false;
}

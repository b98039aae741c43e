/**
 * What programs are given instead of numbers that are not finite. WGSL and GLSL may assume that infinity and NaN do
 * not exist, so none ever reaches a program:
 *
 * - −∞, which masks are full of, becomes {@link MINUS_INFINITY}, and programs know it.
 * - NaN, +∞, and a number that happens to be the code, become a finite neighbour. What they would have done to the
 *   results is worked out on the host (`forward/non-finite.ts`).
 */

/** −2¹²⁷: every float32 format and every parser has it exactly. */
export const MINUS_INFINITY: number = -(2 ** 127);
const NEXT_TO_IT = MINUS_INFINITY * (1 - 2 ** -24);

/** What an encoded array leaves out, and how far it reaches. */
export interface Exceptions {
  /** Whether there may be codes for −∞. */
  readonly minusInfinity: boolean;
  /** Elements, by index, that a program is not shown. */
  readonly values: ReadonlyMap<number, number>;
  /** Bounds of the others. */
  readonly minimum: number;
  readonly maximum: number;
}

/** Of an array that programs have filled, and nobody has looked at. */
export const UNSEEN: Exceptions = {
  minusInfinity: false,
  values: new Map(),
  minimum: -Infinity,
  maximum: Infinity,
};

/** The array as a program may see it; the same one when it is finite. */
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

/** Bounds of the finite numbers, 0 among them, and whether all are finite and none is the code. */
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

/** The way back, in place. */
export function decode(encoded: Float32Array, { minusInfinity, values }: Exceptions): Float32Array {
  if (minusInfinity) {
    for (let n = 0; n < encoded.length; n++) if (encoded[n] === MINUS_INFINITY) encoded[n] = -Infinity;
  }
  for (const [index, value] of values) encoded[index] = value;
  return encoded;
}

/** Whether NaN or +∞ was left out; −∞, which excludes in a mask and in a sink, is asked for apart. */
export function hasNaNOrInfinity({ values }: Exceptions): boolean {
  for (const value of values.values()) if (!Number.isFinite(value)) return true;
  return false;
}

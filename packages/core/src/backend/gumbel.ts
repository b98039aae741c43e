/**
 * Noise of selection `sample`, SPEC.md clause `selection`, bit-exact: Philox4x32-10 (Salmon, Moraes, Dror and Shaw,
 * "Parallel random numbers: as easy as 1, 2, 3", SC 2011, section 3.3) with the key made of the seed and the counter
 * made of the position, so that a number depends only on the seed and on its position.
 */

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;

/** The upper 32 bits of the product of two unsigned 32-bit integers, from 16-bit halves. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const low = aLow * bLow;
  const middle = aHigh * bLow + (low >>> 16);
  const carry = aLow * bHigh + (middle % 0x10000);
  return (aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(carry / 0x10000)) >>> 0;
}

/** Ten rounds of Philox4x32: a counter of four words and a key of two give four random words. */
export function philox4x32(
  counter: readonly [number, number, number, number],
  key: readonly [number, number],
): [number, number, number, number] {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, c0);
    const low0 = Math.imul(MULTIPLIER_0, c0) >>> 0;
    const high1 = multiplyHigh(MULTIPLIER_1, c2);
    const low1 = Math.imul(MULTIPLIER_1, c2) >>> 0;
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0;
    k0 = (k0 + WEYL_0) >>> 0;
    k1 = (k1 + WEYL_1) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/**
 * Standard Gumbel noise −ln(−ln u) for key j of query row i, head h, batch b. One Philox block serves four
 * neighboring keys. u = (⌊word / 2⁹⌋ + ½) · 2⁻²³ is exact in float32 and never 0 or 1.
 */
export function gumbelNoise(seed: number, b: number, h: number, i: number, j: number): number {
  const key = [seed >>> 0, Math.floor(seed / 0x100000000) >>> 0] as const;
  const word = philox4x32([j >>> 2, i, h, b], key)[j & 3]!;
  const u = ((word >>> 9) + 0.5) * 2 ** -23;
  return -Math.log(-Math.log(u));
}

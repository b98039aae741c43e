import { FINITE } from '../shader/tensors.ts';

/**
 * Functions of numbers one by one, by their bits: WGSL may assume that no float is NaN or infinite. `numberOf` is 0 for those;
 * `sumOf` adds as IEEE 754 does.
 */
export const BITS: string = `${FINITE}

fn numberOf(bits: u32) -> f32 {
  return bitcast<f32>(select(bits, 0u, isNonFinite(bits)));
}

fn magnitudeOf(bits: u32) -> u32 { return bits & 0x7fffffffu; }

fn sumOf(a: u32, b: u32) -> u32 {
  if (isNonFinite(a)) { return select(a, NAN, isNonFinite(b) && a != b); }
  return select(bitcast<u32>(bitcast<f32>(a) + bitcast<f32>(b)), b, isNonFinite(b));
}`;

/** Product of two numbers by their bits. {@link BITS} must be declared. */
export const PRODUCT = `
fn productOf(a: u32, b: u32) -> u32 {
  return select(bitcast<u32>(numberOf(a) * numberOf(b)), NAN, isNonFinite(a) || isNonFinite(b));
}`;

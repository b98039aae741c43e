/*
 * WGSL allows exp an error of 3 + 2 · |x| units in the last place, log an absolute one of 2⁻²¹ near 1, and tanh more
 * still: too coarse for SPEC.md, clause `accuracy`, and for Gumbel noise. These are within 2 units everywhere, on every
 * adapter.
 *
 * exp(x) = 2ⁿ · (1 + r + r² · q(r)), n = x / ln 2 rounded, r = x − n · ln 2 in two parts (Cody and Waite 1980), q
 * interpolating at Chebyshev's points.
 */
const REDUCE = `
  let n = round(x * 1.4426950408889634);
  let r = fma(n, vec4f(0.00021219444170128554), fma(n, vec4f(-0.693359375), x));
  let slope = fma(fma(fma(fma(fma(vec4f(0.0013926213141530752), r, vec4f(0.008363203145563602)), r,
    vec4f(0.041666556149721146)), r, vec4f(0.16666576266288757)), r, vec4f(0.5)), r, vec4f(1.0));`;

export const EXPONENTIAL: string = `
// exp(x) for x up to 80; exactly 0 below the logarithm of the smallest normal number.
fn exponential(given: vec4f) -> vec4f {
  let x = max(given, vec4f(-88.0));${REDUCE}
  let power = bitcast<vec4i>(fma(slope, r, vec4f(1.0))) + (vec4i(n) << vec4u(23u));
  return select(bitcast<vec4f>(power), vec4f(0.0), given < vec4f(-87.33));
}

fn exponential1(x: f32) -> f32 {
  return exponential(vec4f(x)).x;
}`;

/** Exact near 0, too: exp(2x) − 1 is computed without cancellation. */
export const TANH: string = `
fn hyperbolicTangent(given: vec4f) -> vec4f {
  let x = min(2.0 * abs(given), vec4f(40.0));${REDUCE}
  let power = bitcast<vec4f>((vec4i(n) + vec4i(127)) << vec4u(23u));
  let minusOne = fma(power, slope * r, power - 1.0);
  let size = minusOne / (minusOne + 2.0);
  return select(size, -size, given < vec4f(0.0));
}`;

/** x = 2ᵏ · m with √½ ≤ m < √2, and ln m = 2 artanh(s) = 2s (1 + s²/3 + s⁴/5 + …) with s = (m − 1) / (m + 1). */
export const LOGARITHM = `
// The natural logarithm of a normal number.
fn logarithm(x: f32) -> f32 {
  let bits = bitcast<i32>(x) - 0x3f3504f3;
  let power = bits >> 23u;
  let m = bitcast<f32>((bits & 0x7fffff) + 0x3f3504f3);
  let s = (m - 1.0) / (m + 1.0);
  let square = s * s;
  let series = fma(fma(fma(fma(fma(0.09090909, square, 0.11111111), square, 0.14285714), square, 0.2), square,
    0.33333333), square, 1.0);
  let k = f32(power);
  return fma(k, 0.693359375, fma(k, -0.00021219444, 2.0 * s * series));
}`;

/**
 * Philox4x32-10 (Salmon, Moraes, Dror and Shaw, SC 2011), as SPEC.md, clauses `selection` and `dropout`, says bit by bit. One block
 * serves four keys.
 */
export const PHILOX = `
fn multiplyHigh(a: u32, b: u32) -> u32 {
  let low = (a & 0xffffu) * (b & 0xffffu);
  let middle = (a >> 16u) * (b & 0xffffu) + (low >> 16u);
  let other = (a & 0xffffu) * (b >> 16u) + (middle & 0xffffu);
  return (a >> 16u) * (b >> 16u) + (middle >> 16u) + (other >> 16u);
}

fn philox(counter: vec4u) -> vec4u {
  var c = counter;
  var k = vec2u(params.seedLow, params.seedHigh);
  for (var round = 0; round < 10; round++) {
    let high0 = multiplyHigh(0xd2511f53u, c.x);
    let high1 = multiplyHigh(0xcd9e8d57u, c.z);
    c = vec4u(high1 ^ c.y ^ k.x, 0xcd9e8d57u * c.z, high0 ^ c.w ^ k.y, 0xd2511f53u * c.x);
    k += vec2u(0x9e3779b9u, 0xbb67ae85u);
  }
  return c;
}

// The words of keys key … key + 3. Most often, key is a multiple of 4.
fn wordsOf(givenKey: u32, givenRow: u32, givenHead: u32, givenBatch: u32) -> vec4u {
  let key = givenKey + params.originKey;
  let counter = vec4u(key >> 2u, givenRow + params.originQuery, givenHead + params.originHead,
    givenBatch + params.originBatch);
  var words = philox(counter);
  let shift = key & 3u;
  if (shift != 0u) {
    let next = philox(counter + vec4u(1u, 0u, 0u, 0u));
    words = select(select(vec4u(words.w, next.xyz), vec4u(words.zw, next.xy), shift == 2u), vec4u(words.yzw, next.x), shift == 1u);
  }
  return words;
}`;

/** Gumbel noise. {@link PHILOX} must be declared. */
export const GUMBEL = `
fn gumbel1(word: u32) -> f32 {
  let u = (f32(word >> 9u) + 0.5) * 0x1p-23f;
  return -logarithm(-logarithm(u));
}

fn gumbel(key: u32, row: u32, head: u32, b: u32) -> vec4f {
  let words = wordsOf(key, row, head, b);
  return vec4f(gumbel1(words.x), gumbel1(words.y), gumbel1(words.z), gumbel1(words.w));
}`;

/** Dropout of the weights of four keys, or of the gradients of weights. {@link PHILOX} must be declared. */
export const DROPOUT = `
fn dropped(weights: vec4f, key: u32, row: u32, head: u32, b: u32) -> vec4f {
  let isKept = wordsOf(key, row, head, b) >= vec4u(params.dropThreshold);
  return select(vec4f(0.0), weights * params.keepFactor, isKept);
}`;

import type { Activation, LinearProblem } from '@heed/core';

const SIGMOID = `
fn sigmoid(z: vec4f) -> vec4f {
  let t = exponential(-min(abs(z), vec4f(87.0)));
  return select(vec4f(1.0), t, z < vec4f(0.0)) / (1.0 + t);
}`;

/**
 * Φ(−a) = ½ erfc(x), x = a / √2, and erfc(x) = exp(−x²) · p(t) with t = 1 / (1 + x / 2) (Schonfelder, "Chebyshev expansions for
 * the error and related functions", Math. Comp. 32, 1978); p interpolates at Chebyshev's points for x < 9.5, to 3e-8. The
 * square is kept in two parts: exp magnifies what it loses.
 */
const NORMAL = `
fn normal(z: vec4f) -> vec4f {
  let a = min(abs(z), vec4f(13.4));
  let t = 1.0 / (1.0 + 0.35355339 * a);
  var p = vec4f(0.03705381974577904);
${[
  '-0.26316767930984497',
  '0.77399080991745',
  '-1.1581515073776245',
  '0.8587895035743713',
  '-0.3572919964790344',
  '0.32781895995140076',
  '0.2120901644229889',
  '0.2871876358985901',
  '0.28166431188583374',
  '0.000015908164641587064',
]
  .map((coefficient) => `  p = fma(p, t, vec4f(${coefficient}));`)
  .join('\n')}
  let square = 0.5 * a * a;
  let rest = fma(0.5 * a, a, -square);
  let tail = 0.5 * p * exponential(-square) * (1.0 - rest);
  return select(1.0 - tail, tail, z < vec4f(0.0));
}`;

/** Φ's derivative; the square is kept in two parts, as in {@link NORMAL}. */
const DENSITY = `
fn density(z: vec4f) -> vec4f {
  let a = min(abs(z), vec4f(13.4));
  let square = 0.5 * a * a;
  return 0.3989422804014327 * exponential(-square) * (1.0 - fma(0.5 * a, a, -square));
}`;

/** A function `slopeOf(z)`: the derivative of an activation for four finite sums. */
export function slopeFunction(activation: Activation): string {
  const of = (code: string): string => `fn slopeOf(z: vec4f) -> vec4f {\n${code}\n}`;
  switch (activation) {
    case 'relu':
      return of('  return select(vec4f(0.0), vec4f(1.0), z > vec4f(0.0));');
    case 'sigmoid':
      return `${SIGMOID}\n${of('  return sigmoid(z) * sigmoid(-z);')}`;
    case 'silu':
      return `${SIGMOID}\n${of('  return sigmoid(z) * fma(z, sigmoid(-z), vec4f(1.0));')}`;
    case 'gelu':
      return `${NORMAL}\n${DENSITY}\n${of('  return fma(z, density(z), normal(z));')}`;
    default:
      // Beyond 30 the second term is 0.
      return `${SIGMOID}\n${of(`  let x = clamp(z, vec4f(-30.0), vec4f(30.0));
  let u = 1.5957691216057308 * fma(0.044715 * x * x, x, x);
  let slope = 1.5957691216057308 * fma(0.134145 * x, x, vec4f(1.0));
  return sigmoid(u) * fma(x * sigmoid(-u), slope, vec4f(1.0));`)}`;
  }
}

/** A function `activate(z)` of four sums: SPEC.md, clause `linear`. */
export function activationFunction(activation: LinearProblem['activation']): string {
  const of = (expression: string): string => `fn activate(z: vec4f) -> vec4f { return ${expression}; }`;
  switch (activation) {
    case 'relu':
      return of('max(z, vec4f(0.0))');
    case 'sigmoid':
      return `${SIGMOID}\n${of('sigmoid(z)')}`;
    case 'silu':
      return `${SIGMOID}\n${of('z * sigmoid(z)')}`;
    case 'gelu':
      return `${NORMAL}\n${of('z * normal(z)')}`;
    case 'geluTanh':
      // (1 + tanh(u)) / 2 is the sigmoid of 2u, which cancels nothing.
      return `${SIGMOID}\n${of('z * sigmoid(1.5957691216057308 * fma(0.044715 * z * z, z, z))')}`;
    default:
      return of('z');
  }
}

import type { ProblemType, StoredType } from '../plan/stored.ts';
import type { Binding } from './module.ts';

/**
 * Conversions of 16-bit floats, by integers: `unpack2x16float` may flush subnormal numbers to 0, and WGSL may assume that
 * no float is NaN or infinite. All of them take and give the bits of floats.
 */
const FLOAT16 = `
fn widen_float16(half: vec4u) -> vec4u {
  let size = (half & vec4u(0x7fffu)) << vec4u(13u);
  let small = bitcast<vec4u>(vec4f(half & vec4u(0x3ffu)) * 0x1p-24f);
  let isSmall = size < vec4u(0x00800000u);
  let isNonFinite = size >= vec4u(0x0f800000u);
  let wide = select(select(size + vec4u(0x38000000u), small, isSmall), size | vec4u(0x7f800000u), isNonFinite);
  return wide | ((half & vec4u(0x8000u)) << vec4u(16u));
}

// To the nearest, ties to even.
fn narrow_float16(bits: vec4u) -> vec4u {
  let size = bits & vec4u(0x7fffffffu);
  let isSmall = size < vec4u(0x38800000u);
  let small = vec4u(round(bitcast<vec4f>(select(vec4u(0u), size, isSmall)) * 0x1p24f));
  let normal = (size + vec4u(0xfffu) + ((size >> vec4u(13u)) & vec4u(1u)) - vec4u(0x38000000u)) >> vec4u(13u);
  var half = select(normal, small, isSmall);
  half = select(half, vec4u(0x7c00u), size >= vec4u(0x477ff000u));
  half = select(half, vec4u(0x7e00u), size > vec4u(0x7f800000u));
  return half | ((bits >> vec4u(16u)) & vec4u(0x8000u));
}`;

const BFLOAT16 = `
fn widen_bfloat16(half: vec4u) -> vec4u { return half << vec4u(16u); }

fn narrow_bfloat16(bits: vec4u) -> vec4u {
  let half = (bits + vec4u(0x7fffu) + ((bits >> vec4u(16u)) & vec4u(1u))) >> vec4u(16u);
  return select(half, vec4u(0x7fc0u), (bits & vec4u(0x7fffffffu)) > vec4u(0x7f800000u));
}`;

/** Functions that the loaders and writers of these types need. */
export function conversions(...types: readonly StoredType[]): string {
  return [
    types.includes('float16') ? FLOAT16 : '',
    types.includes('bfloat16') ? BFLOAT16 : '',
    types.includes('int8') || types.includes('int4x2') ? SCALED : '',
  ].join('\n');
}

/** A scale that is NaN or infinite makes its numbers so, also where the integer is 0. */
const SCALED = `
fn scaled(integers: vec4i, scales: vec4u) -> vec4u {
  let isNonFinite = areNonFinite(scales);
  return select(bitcast<vec4u>(vec4f(integers) * finite(scales)), vec4u(NAN), isNonFinite);
}`;

/** Element of a binding whose shader reads vectors of four numbers of a type. */
export function vectorElement(type: StoredType): Binding['element'] {
  if (type === 'float32') return 'vec4u';
  return type === 'float16' || type === 'bfloat16' ? 'vec2u' : 'u32';
}

/** Code of a function `NAMEVector(at)`: the words of vector `at` of a tensor as the numbers that they stand for. */
export function vectorOf(type: StoredType, tensor: string): string {
  switch (type) {
    case 'float32':
      return `return ${tensor}[at];`;
    case 'int8':
      return `let integers = vec4i(vec4u(${tensor}[at]) << vec4u(24u, 16u, 8u, 0u)) >> vec4u(24u);`;
    case 'int4x2':
      return `let word = ${tensor}[at >> 1u] >> (16u * (at & 1u));
  let integers = vec4i(vec4u(word) << vec4u(28u, 24u, 20u, 16u)) >> vec4u(28u);`;
    default:
      return `let words = ${tensor}[at];
  return widen_${type}(vec4u(words.x & 0xffffu, words.x >> 16u, words.y & 0xffffu, words.y >> 16u));`;
  }
}

/** Code of the stored bits of number `at`, for {@link widenedOf}. */
export function numberOf(type: StoredType, tensor: string, at: string): string {
  switch (type) {
    case 'float32':
      return `${tensor}[${at}]`;
    case 'int8':
      return `(${tensor}[(${at}) >> 2u] << (24u - 8u * ((${at}) & 3u)))`;
    case 'int4x2':
      return `(${tensor}[(${at}) >> 3u] << (28u - 4u * ((${at}) & 7u)))`;
    default:
      return `((${tensor}[(${at}) >> 1u] >> (16u * ((${at}) & 1u))) & 0xffffu)`;
  }
}

/** Code that makes floats' bits of a vector of such numbers, of a type without scales. */
export function widenedOf(type: StoredType, vector: string): string {
  return type === 'float32' ? vector : `widen_${type}(${vector})`;
}

/** Element of a binding whose numbers are written one by one: two of 16 bits share a word. */
export function writtenElement(type: ProblemType): Binding['element'] {
  return type === 'float32' ? 'u32' : 'atomic<u32>';
}

/**
 * A function `store_NAME(at, bits)` that writes numbers `at` … `at + count − 1`, from the bits of floats. Each is written once,
 * to a tensor of zeros.
 */
export function numberWriter(name: string, type: ProblemType): string {
  const write = (k: number): string =>
    type === 'float32'
      ? `${name}[at + ${k}u] = bits[${k}];`
      : `atomicOr(&${name}[(at + ${k}u) >> 1u], half[${k}] << (16u * ((at + ${k}u) & 1u)));`;
  return `fn store_${name}(at: u32, bits: vec4u, count: u32) {
${type === 'float32' ? '' : `  let half = narrow_${type}(bits);`}
${[0, 1, 2, 3].map((k) => `  if (count > ${k}u) { ${write(k)} }`).join('\n')}
}`;
}

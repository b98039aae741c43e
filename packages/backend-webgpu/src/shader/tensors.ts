import { type Binding, read, written } from './module.ts';

/** Vectors of four that a row of so many numbers takes. */
export function vectorsOf(depth: number): number {
  return Math.ceil(depth / 4);
}

/** Returns whether all rows of a tensor begin at a multiple of four numbers, so that they are bound as vectors. */
export function isAligned(depth: number): boolean {
  return depth % 4 === 0;
}

/** Words or vectors that the strides of a tensor count. */
export function unitOf(depth: number): number {
  return isAligned(depth) ? 4 : 1;
}

export function readRows(name: string, depth: number): Binding {
  return read(name, isAligned(depth) ? 'vec4u' : 'u32');
}

export function writtenRows(name: string, depth: number): Binding {
  return written(name, isAligned(depth) ? 'vec4u' : 'u32');
}

/** A function `NAMEAt(row, n)`: numbers 4n … 4n + 3 of the row that begins there, 0 behind its end. */
export function rowLoader(name: string, depth: number): string {
  if (isAligned(depth)) {
    return `fn ${name}At(row: u32, n: u32) -> vec4u { return ${name}[row + n]; }`;
  }
  const rest = depth % 4;
  return `fn ${name}At(row: u32, n: u32) -> vec4u {
  let at = row + 4u * n;
  if (n < ${Math.floor(depth / 4)}u) {
    return vec4u(${name}[at], ${name}[at + 1u], ${name}[at + 2u], ${name}[at + 3u]);
  }
  return vec4u(${[0, 1, 2, 3].map((lane) => (lane < rest ? `${name}[at + ${lane}u]` : '0u')).join(', ')});
}`;
}

/** A function `writeNAME(row, n, bits)`, the reverse of {@link rowLoader}. */
export function rowWriter(name: string, depth: number): string {
  if (isAligned(depth)) {
    return `fn write_${name}(row: u32, n: u32, bits: vec4u) { ${name}[row + n] = bits; }`;
  }
  const lane = (index: number): string => `${name}[at + ${index}u] = bits[${index}];`;
  return `fn write_${name}(row: u32, n: u32, bits: vec4u) {
  let at = row + 4u * n;
  if (n < ${Math.floor(depth / 4)}u) {
    ${[0, 1, 2, 3].map(lane).join(' ')}
  } else {
    ${[0, 1, 2, 3]
      .slice(0, depth % 4)
      .map(lane)
      .join(' ')}
  }
}`;
}

/** The address of a row of `query`, `key`, `value` or `output`. */
export function rowAddress(name: 'query' | 'key' | 'value' | 'output'): string {
  return `fn ${name}Row(batch: u32, head: u32, row: u32) -> u32 {
  return batch * params.${name}Batch + head * params.${name}Head + row * params.${name}Row - params.${name}Base;
}`;
}

/** Functions that find non-finite numbers by their bits and make them 0: flags keep their effect on rows. */
export const FINITE = `
const NAN = 0x7fc00000u;
const MINUS_INFINITY = 0xff800000u;

fn areNonFinite(bits: vec4u) -> vec4<bool> {
  return (bits & vec4u(0x7f800000u)) == vec4u(0x7f800000u);
}

fn finite(bits: vec4u) -> vec4f {
  return bitcast<vec4f>(select(bits, vec4u(0u), areNonFinite(bits)));
}

fn isNonFinite(bits: u32) -> bool {
  return (bits & 0x7f800000u) == 0x7f800000u;
}`;

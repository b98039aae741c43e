import type { Stored, StoredRows } from '../plan/stored.ts';
import { numberOf, numberWriter, vectorElement, vectorOf, widenedOf, writtenElement } from './elements.ts';
import { type Binding, read, written } from './module.ts';

/** Vectors of four that a row of so many numbers takes. */
export function vectorsOf(depth: number): number {
  return Math.ceil(depth / 4);
}

export function readRows(name: string, { type, aligned }: Stored): Binding {
  return read(name, aligned ? vectorElement(type) : 'u32');
}

/** Rows that a shader writes have the type of the problem, or, as gradients, that of a cache of floats. */
type WrittenRows = Stored & { readonly type: 'float32' | 'float16' | 'bfloat16' };

export function writtenRows(name: string, rows: Stored): Binding {
  const { type, aligned } = rows as WrittenRows;
  return written(name, aligned ? vectorElement(type) : writtenElement(type));
}

/**
 * A function `NAMEAt(row, n)`: the bits of the floats 4n … 4n + 3 of the row that begins there, 0 behind its end.
 *
 * @param tensor the binding that has the rows.
 */
export function rowLoader(name: string, rows: Stored, tensor: string = name): string {
  return rows.aligned ? vectorLoader(name, rows, tensor) : numberLoader(name, rows, tensor);
}

function vectorLoader(name: string, { type, first, group }: Stored, tensor: string): string {
  const scale = group === null ? '' : `return scaled(integers, vec4u(${tensor}Scale(4u * at)));`;
  return `fn ${name}At(row: u32, n: u32) -> vec4u {
  let at = row + n${first > 0 ? ` + ${first / 4}u` : ''};
  ${vectorOf(type, tensor)}
  ${scale}
}`;
}

function numberLoader(name: string, { type, depth, first, group }: Stored, tensor: string): string {
  const rest = depth % 4;
  const vector = (count: number): string => {
    const of = (code: (lane: number) => string): string =>
      `vec4u(${[0, 1, 2, 3].map((lane) => (lane < count ? code(lane) : '0u')).join(', ')})`;
    const numbers = of((lane) => numberOf(type, tensor, `at + ${lane}u`));
    if (group === null) return widenedOf(type, numbers);
    const shift = type === 'int8' ? 24 : 28;
    const scales = of((lane) => `${tensor}Scale(at + ${lane}u)`);
    return `scaled(bitcast<vec4i>(${numbers}) >> vec4u(${shift}u), ${scales})`;
  };
  return `fn ${name}At(row: u32, n: u32) -> vec4u {
  let at = row + 4u * n${first > 0 ? ` + ${first}u` : ''};
  if (n < ${Math.floor(depth / 4)}u) { return ${vector(4)}; }
  return ${vector(rest)};
}`;
}

/** A function `write_NAME(row, n, bits)`, the reverse of {@link rowLoader}. Each vector is written once, to zeros. */
export function rowWriter(name: string, rows: Stored): string {
  const { type, aligned, depth } = rows as WrittenRows;
  if (!aligned) {
    return `${numberWriter(name, type)}
fn write_${name}(row: u32, n: u32, bits: vec4u) { store_${name}(row + 4u * n, bits, min(4u, ${depth}u - 4u * n)); }`;
  }
  const vector = type === 'float32' ? 'bits' : `vec2u(half.x | (half.y << 16u), half.z | (half.w << 16u))`;
  return `fn write_${name}(row: u32, n: u32, bits: vec4u) {
  ${type === 'float32' ? '' : `let half = narrow_${type}(bits);`}
  ${name}[row + n] = ${vector};
}`;
}

/** The address of a row of `query`, `key`, `value` or `output`. */
export function rowAddress(name: keyof StoredRows): string {
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

// True if sums of products are not finite, as they are if any number in them is not: those are then looked for. Compilers may take
// sums for finite: the zero, which they do not know, keeps them from dropping the test.
fn isOdd(sums: vec4f) -> bool {
  return any(areNonFinite(bitcast<vec4u>(sums) ^ vec4u(params.zero)));
}

fn finite(bits: vec4u) -> vec4f {
  return bitcast<vec4f>(select(bits, vec4u(0u), areNonFinite(bits)));
}

fn isNonFinite(bits: u32) -> bool {
  return (bits & 0x7f800000u) == 0x7f800000u;
}`;

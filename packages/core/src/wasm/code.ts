/** Types of WebAssembly's values. */
export type ValueType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128';

declare const LEAVES: unique symbol;

/**
 * WebAssembly code that leaves a value of type T on the stack, or nothing: `Code<'none'>` is a statement. Only
 * instructions make code, so that the compiler, not the engine, reports a function with mismatched types.
 */
export interface Code<T extends ValueType | 'none'> {
  readonly [LEAVES]: T;
}

/** Statements, one after another; arrays may be nested and empty. */
export type Block = Code<'none'> | readonly Block[];

/** Bytes, nested as they were composed; {@link flatten} makes one sequence of them, once. */
export type Bytes = number | readonly Bytes[] | Code<ValueType | 'none'> | Block;

/** Declares what bytes leave on the stack. Code is its bytes; only the compiler uses the type. */
export function leaving<T extends ValueType | 'none'>(bytes: Bytes): Code<T> {
  return bytes as Code<T>;
}

/** LEB128 of an unsigned integer below 2³². */
export function unsigned(value: number): Bytes {
  const bytes: number[] = [];
  let rest = value >>> 0;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest);
  return bytes;
}

/** LEB128 of a signed integer of 32 bits. */
export function signed(value: number): Bytes {
  const bytes: number[] = [];
  let rest = value | 0;
  for (; rest < -64 || rest > 63; rest >>= 7) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest & 0x7f);
  return bytes;
}

/** LEB128 of a signed integer of 64 bits. */
export function signed64(value: bigint): Bytes {
  const bytes: number[] = [];
  let rest = value;
  for (; rest < -64n || rest > 63n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest & 0x7fn));
  return bytes;
}

/** A length in bytes, then the bytes. */
export function sized(bytes: Bytes): Bytes {
  const flat = flatten(bytes);
  return [unsigned(flat.length), flat];
}

/** A count, then the items. */
export function vector(items: readonly Bytes[]): Bytes {
  return [unsigned(items.length), items];
}

/** A name in UTF-8. */
export function text(value: string): Bytes {
  // Without TextEncoder, which some engines do not have.
  const bytes = encodeURIComponent(value).match(/%..|./g) ?? [];
  return vector(bytes.map((byte) => (byte.length === 1 ? byte.charCodeAt(0) : parseInt(byte.slice(1), 16))));
}

export function flatten(bytes: Bytes): number[] {
  const flat: number[] = [];
  append(bytes, flat);
  return flat;
}

function append(bytes: Bytes, flat: number[]): void {
  if (typeof bytes === 'number') {
    flat.push(bytes);
    return;
  }
  const parts = bytes as readonly Bytes[];
  for (let n = 0; n < parts.length; n++) append(parts[n]!, flat);
}

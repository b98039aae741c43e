/** Bytes of WebAssembly, nested as they were put together; {@link flatten} makes them one sequence, once. */
export type Code = number | readonly Code[];

/** LEB128 of an unsigned integer below 2³². */
export function unsigned(value: number): Code {
  const bytes: number[] = [];
  let rest = value >>> 0;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest);
  return bytes;
}

/** LEB128 of a signed integer of 32 bits. */
export function signed(value: number): Code {
  const bytes: number[] = [];
  let rest = value | 0;
  for (; rest < -64 || rest > 63; rest >>= 7) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest & 0x7f);
  return bytes;
}

/** LEB128 of a signed integer of 64 bits. */
export function signed64(value: bigint): Code {
  const bytes: number[] = [];
  let rest = value;
  for (; rest < -64n || rest > 63n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest & 0x7fn));
  return bytes;
}

/** A length in bytes, then the bytes. */
export function sized(code: Code): Code {
  const bytes = flatten(code);
  return [unsigned(bytes.length), bytes];
}

/** A count, then the items. */
export function vector(items: readonly Code[]): Code {
  return [unsigned(items.length), items];
}

export function text(value: string): Code {
  return vector([...new TextEncoder().encode(value)]);
}

export function flatten(code: Code): number[] {
  const bytes: number[] = [];
  append(code, bytes);
  return bytes;
}

function append(code: Code, bytes: number[]): void {
  if (typeof code === 'number') bytes.push(code);
  else for (let n = 0; n < code.length; n++) append(code[n]!, bytes);
}

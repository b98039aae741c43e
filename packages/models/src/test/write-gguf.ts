type Value = number | string | boolean | readonly string[] | readonly number[];

/** A tensor of a file that a test makes: its type's number, its shape (row-major) and its bytes. */
export interface Written {
  readonly name: string;
  readonly type: number;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** Numbers of type F32. */
export function f32(name: string, shape: readonly number[], data: Float32Array): Written {
  return { name, type: 0, shape, bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
}

/** Bytes of a GGUF file, version 3. Whole numbers are written as uint32, others as float32. */
export function writeGGUF(
  metadata: Readonly<Record<string, Value>>,
  tensors: readonly Written[],
): Uint8Array {
  const parts: Uint8Array[] = [];
  const push = (...numbers: number[]): void => void parts.push(Uint8Array.from(numbers));
  const u32 = (n: number): void => void parts.push(new Uint8Array(Uint32Array.of(n).buffer));
  const u64 = (n: number): void => void parts.push(new Uint8Array(BigUint64Array.of(BigInt(n)).buffer));
  const string = (text: string): void => {
    const bytes = new TextEncoder().encode(text);
    u64(bytes.length);
    parts.push(bytes);
  };
  const typeOf = (value: Value): number =>
    typeof value === 'string'
      ? 8
      : typeof value === 'boolean'
        ? 7
        : Array.isArray(value)
          ? 9
          : Number.isInteger(value)
            ? 4
            : 6;
  const write = (value: Value): void => {
    if (typeof value === 'string') string(value);
    else if (typeof value === 'boolean') push(value ? 1 : 0);
    else if (typeof value === 'number') {
      if (Number.isInteger(value)) u32(value);
      else parts.push(new Uint8Array(Float32Array.of(value).buffer));
    } else {
      u32(typeOf(value[0]!));
      u64(value.length);
      for (const element of value) write(element);
    }
  };
  parts.push(new TextEncoder().encode('GGUF'));
  u32(3);
  u64(tensors.length);
  u64(Object.keys(metadata).length);
  for (const [key, value] of Object.entries(metadata)) {
    string(key);
    u32(typeOf(value));
    write(value);
  }
  let offset = 0;
  for (const { name, type, shape, bytes } of tensors) {
    string(name);
    u32(shape.length);
    for (const length of [...shape].reverse()) u64(length);
    u32(type);
    u64(offset);
    offset += Math.ceil(bytes.length / 32) * 32;
  }
  const pad = (length: number): void => void parts.push(new Uint8Array((32 - (length % 32)) % 32));
  pad(parts.reduce((sum, { length }) => sum + length, 0));
  for (const { bytes } of tensors) {
    parts.push(bytes);
    pad(bytes.length);
  }
  return new Uint8Array(Buffer.concat(parts));
}

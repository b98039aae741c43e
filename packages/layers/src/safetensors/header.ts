import { HeedError } from '@heed/core';
import { callback, checkOptions, integer, required, shown } from '@heed/core/backend';

/** Bits of an element of each type of the format. */
const BITS: Readonly<Record<string, number>> = {
  ...{ F4: 4, F6_E2M3: 6, F6_E3M2: 6 },
  ...{ BOOL: 8, U8: 8, I8: 8, F8_E5M2: 8, F8_E4M3: 8, F8_E8M0: 8, F8_E5M2FNUZ: 8, F8_E4M3FNUZ: 8 },
  ...{ I16: 16, U16: 16, F16: 16, BF16: 16 },
  ...{ I32: 32, U32: 32, F32: 32, I64: 64, U64: 64, F64: 64, C64: 64 },
};

/** The format's own limit. */
const LONGEST_HEADER = 100_000_000;

/** A tensor of a file, as its header describes it. */
export interface StoredTensor {
  /** Type in the format's spelling: `F32`, `BF16`. */
  readonly dtype: string;
  readonly shape: readonly number[];
}

/** A tensor of a file, and its bytes: from `begin` up to, but not including, `end`, counted from the start of the file. */
export interface PlacedTensor extends StoredTensor {
  readonly begin: number;
  readonly end: number;
}

/** Header of a safetensors file. */
export interface SafetensorsHeader {
  /** The file's own remarks. */
  readonly metadata: Readonly<Record<string, string>>;
  /** By name, in the order of the file. */
  readonly tensors: ReadonlyMap<string, PlacedTensor>;
}

function refuse(clause: 'length' | 'header' | 'entry' | 'layout', message: string): never {
  throw new HeedError('ARGUMENT', message, {
    clause: `safetensors.${clause}`,
    remedy: 'download or write the file again: it is damaged, or not a safetensors file',
  });
}

/**
 * Reads and checks the header alone, for those who read a tensor's bytes in their own way, such as a part of them.
 *
 * @param size of the whole file, in bytes.
 * @param read returns so many bytes from a place in the file.
 * @throws HeedError `ARGUMENT` with the clause that a malformed file breaks, as {@link readSafetensors}, and for another
 * number of bytes than asked for; what `read` throws.
 *
 * @example
 * ```ts
 * import { readSafetensorsHeader, writeSafetensors } from '@heed/layers';
 *
 * const file = writeSafetensors({ scale: { dtype: 'float32', shape: [2], data: Float32Array.of(1, 2) } });
 * const { tensors } = readSafetensorsHeader(file.length, (from, count) => file.subarray(from, from + count));
 * const { begin, end } = tensors.get('scale')!;
 * console.log(new Float32Array(file.slice(begin, end).buffer)[1]); // 2
 * ```
 */
export function readSafetensorsHeader(
  size: number,
  read: (from: number, count: number) => Uint8Array,
): SafetensorsHeader {
  const whole = { size: required(integer(0)), read: required(callback) };
  checkOptions('readSafetensorsHeader()', { size, read }, whole);
  const first = (count: number): Uint8Array => {
    const bytes = read(0, count);
    if (bytes?.length === count) return bytes;
    throw new HeedError('ARGUMENT', `read(0, ${count}) returned ${shown(bytes)}; expected ${count} bytes`, {
      clause: 'safetensors.length',
      remedy: 'give the size of the whole file, and a function that returns as many bytes as asked for',
    });
  };
  return parseHeader(first(headerEnd(first(Math.min(8, size)), size)), size);
}

/**
 * @param bytes of the beginning of the file, at least to the end of its header.
 * @param size of the whole file, in bytes.
 * @throws HeedError `ARGUMENT`, with the clause that the file breaks.
 */
export function parseHeader(bytes: Uint8Array, size: number): SafetensorsHeader {
  const start = headerEnd(bytes, size);
  const parsed = parseObject(bytes.subarray(8, start));
  const entries = new Map<string, PlacedTensor>();
  let metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(parsed)) {
    if (name === '__metadata__') metadata = checkMetadata(value);
    else entries.set(name, checkEntry(name, value));
  }
  checkLayout(entries, size - start);
  const placed = [...entries].map(
    ([name, { begin, end, ...stored }]) =>
      [name, { ...stored, begin: start + begin, end: start + end }] as const,
  );
  return { metadata, tensors: new Map(placed) };
}

/**
 * Returns where the header ends, from the first eight bytes of the file.
 *
 * @throws HeedError `ARGUMENT`.
 */
export function headerEnd(bytes: Uint8Array, size: number): number {
  if (size < 8) refuse('length', `the file has ${size} bytes, a header's length alone takes 8`);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  const most = Math.min(size - 8, LONGEST_HEADER);
  if (length > BigInt(most))
    refuse('length', `the header's length is ${length}, at most ${most} is possible`);
  return 8 + Number(length);
}

function parseObject(bytes: Uint8Array): object {
  let text: string;
  let parsed: unknown;
  try {
    text = decodeUTF8(bytes);
    parsed = JSON.parse(text);
  } catch (error) {
    refuse('header', `the header is not JSON in UTF-8: ${(error as Error).message}`);
  }
  if (!text.startsWith('{') || !isObject(parsed)) refuse('header', 'the header does not begin with {');
  const repeated = repeatedName(text);
  if (repeated !== undefined) refuse('header', `the header says ${shown(repeated)} twice`);
  return parsed;
}

/** @throws what is not UTF-8. */
function decodeUTF8(bytes: Uint8Array): string {
  if (typeof TextDecoder !== 'undefined') {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  }
  // Every engine decodes the parts of addresses, as strictly.
  return decodeURIComponent(Array.from(bytes, (byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Returns a name that an object of valid JSON has twice: JSON.parse would silently keep the last one. */
function repeatedName(text: string): string | undefined {
  const open: Set<string>[] = [];
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '{') open.push(new Set());
    else if (text[at] === '}') open.pop();
    else if (text[at] === '"') {
      const start = at;
      at = endOfString(text, start);
      if (!isName(text, at + 1)) continue;
      const name = JSON.parse(text.slice(start, at + 1)) as string;
      if (open.at(-1)!.has(name)) return name;
      open.at(-1)!.add(name);
    }
  }
  return undefined;
}

/** The closing quote of a string of valid JSON. A regular expression would run out of stack in one of megabytes. */
function endOfString(text: string, start: number): number {
  let end = start + 1;
  while (text[end] !== '"') end += text[end] === '\\' ? 2 : 1;
  return end;
}

/** Returns whether a colon follows, after white space. */
function isName(text: string, after: number): boolean {
  let at = after;
  while (at < text.length && ' \t\n\r'.includes(text[at]!)) at++;
  return text[at] === ':';
}

function checkMetadata(value: unknown): Record<string, string> {
  if (!isObject(value) || !Object.values(value).every((text) => typeof text === 'string')) {
    refuse('header', '__metadata__ is not an object of strings');
  }
  return value as Record<string, string>;
}

/** Returns the tensor of an entry; its bytes are counted from the end of the header. */
function checkEntry(name: string, value: unknown): PlacedTensor {
  if (!isObject(value)) refuse('entry', `${shown(name)} is not an object`);
  const { dtype, shape, data_offsets: offsets, ...unknown } = value;
  const fields = Object.keys(unknown);
  if (fields.length > 0) refuse('entry', `${shown(name)} has unknown fields: ${shown(fields)}`);
  if (typeof dtype !== 'string' || !Object.hasOwn(BITS, dtype)) {
    refuse('entry', `${shown(name)} has the unknown type ${shown(dtype)}`);
  }
  if (!isCounts(shape))
    refuse('entry', `${shown(name)} has the shape ${shown(shape)}; expected integers ≥ 0`);
  if (!isCounts(offsets) || offsets.length !== 2) {
    refuse('entry', `${shown(name)} has the data_offsets ${shown(offsets)}; expected two integers ≥ 0`);
  }
  const [begin, end] = offsets;
  const size = shape.reduce((product, length) => product * length, BITS[dtype] / 8);
  if (size !== end - begin) {
    refuse(
      'entry',
      `${shown(name)} is ${dtype} ${shown(shape)}, ${size} bytes, its range has ${end - begin}`,
    );
  }
  return { dtype, shape, begin, end };
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((count) => Number.isSafeInteger(count) && count >= 0);
}

function checkLayout(entries: ReadonlyMap<string, PlacedTensor>, length: number): void {
  let at = 0;
  for (const [name, { begin, end }] of [...entries].sort(
    ([, a], [, b]) => a.begin - b.begin || a.end - b.end,
  )) {
    if (begin !== at)
      refuse('layout', `${shown(name)} begins at byte ${begin} of the numbers; expected ${at}`);
    at = end;
  }
  if (at !== length) refuse('layout', `the tensors take ${at} bytes, the file has ${length}`);
}

/** Error for a name that a file, or the index of several, does not have. */
export function noTensor(place: 'file' | 'index', name: string): HeedError {
  return new HeedError('MISSING_INPUT', `the ${place} has no tensor ${shown(name)}`, {
    remedy: 'choose from its names',
  });
}

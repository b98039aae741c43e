import { type DType, type NumberArray, type Tensor, cast, tensor } from '@heed/core';
import { isHalf, numbersOf } from '@heed/core/backend';
import * as v from 'valibot';
import { errorAt } from './place.ts';

type TensorData = Tensor['data'];

/** Element types in files. int64 is read as int32, exactly or not at all. */
export type FileDType = DType | 'int64';

/** A number, as JSON can write it. */
export type FileNumber = number | boolean | 'NaN' | 'Infinity' | '-Infinity';

/** A tensor in a file: `data` is base64 of little-endian, row-major bytes (bool: one byte), or a list of numbers. */
export interface EncodedTensor {
  readonly dtype: FileDType;
  readonly shape: readonly number[];
  readonly data: string | readonly FileNumber[];
}

/** The form of an {@link EncodedTensor}: the entries of an object schema. */
export const tensorEntries: {
  readonly dtype: v.GenericSchema<FileDType>;
  readonly shape: v.GenericSchema<readonly number[]>;
  readonly data: v.GenericSchema<EncodedTensor['data']>;
} = {
  dtype: v.picklist([
    'float16',
    'bfloat16',
    'float32',
    'float64',
    'int32',
    'int64',
    'int8',
    'int4x2',
    'bool',
  ]),
  shape: v.pipe(v.array(v.pipe(v.number(), v.safeInteger(), v.minValue(0))), v.maxLength(4)),
  data: v.union([
    v.string(),
    v.array(v.union([v.number(), v.boolean(), v.picklist(['NaN', 'Infinity', '-Infinity'])])),
  ]),
};

/** The most elements of a tensor in a file, where an axis of length 0 counts as 1. */
export const MAX_ELEMENTS: number = 2 ** 23;

const BYTES: Record<FileDType, number> = {
  float16: 2,
  bfloat16: 2,
  float32: 4,
  float64: 8,
  int32: 4,
  int64: 8,
  int8: 1,
  int4x2: 1,
  bool: 1,
};

/**
 * The tensor that a file describes.
 *
 * @param at its place, for errors: `case.json: cases[2].inputs.key`.
 * @throws HeedError `SHAPE` when the data does not fill the shape, or the shape is over {@link MAX_ELEMENTS};
 * `ARGUMENT` if the data is not base64, or holds a number that its dtype cannot represent.
 */
export function decodeTensor(encoded: EncodedTensor, at: string): Tensor {
  const { dtype, shape, data } = encoded;
  // Before anything is allocated. Empty axes count: a loop over a batch of 10¹⁵ with no keys would not end either.
  if (!(product(shape.map((length) => Math.max(1, length))) <= MAX_ELEMENTS)) {
    throw errorAt(
      'SHAPE',
      `${at}.shape`,
      `is [${shape.join(', ')}]; expected at most ${MAX_ELEMENTS} elements`,
    );
  }
  const size = product(shape);
  const array =
    typeof data === 'string'
      ? fromBytes[dtype](bytesOf(data, size * BYTES[dtype], encoded, at), `${at}.data`)
      : fromList(data, size, encoded, at);
  // Their arrays do not tell the type.
  const isNamed = isHalf(dtype) || dtype === 'int8' || dtype === 'int4x2';
  return isNamed
    ? ({ dtype, shape: [...shape], data: array } as Tensor)
    : tensor(array as NumberArray, shape);
}

function product(lengths: readonly number[]): number {
  return lengths.reduce((size, length) => size * length, 1);
}

function bytesOf(base64: string, size: number, { dtype, shape }: EncodedTensor, at: string): ArrayBuffer {
  const length = Math.ceil(size / 3) * 4;
  if (base64.length !== length) {
    throw errorAt(
      'SHAPE',
      `${at}.data`,
      `has ${base64.length} characters; ${dtype} [${shape.join(', ')}] requires ${length} of base64`,
    );
  }
  const bytes = decodeBase64(base64);
  if (bytes?.length !== size) throw errorAt('ARGUMENT', `${at}.data`, `is not base64 of ${size} bytes`);
  return bytes.buffer;
}

function decodeBase64(base64: string): Uint8Array<ArrayBuffer> | null {
  // atob skips white space.
  if (/[^A-Za-z0-9+/=]/.test(base64)) return null;
  try {
    const binary = atob(base64);
    const bytes = new Uint8Array(binary.length);
    for (let n = 0; n < bytes.length; n++) bytes[n] = binary.charCodeAt(n);
    return bytes;
  } catch {
    return null;
  }
}

/** Typed arrays have the byte order of the machine: little-endian on all that run JavaScript today. */
const fromBytes: Record<FileDType, (bytes: ArrayBuffer, at: string) => TensorData> = {
  float16: (bytes) => new Uint16Array(bytes),
  bfloat16: (bytes) => new Uint16Array(bytes),
  float32: (bytes) => new Float32Array(bytes),
  float64: (bytes) => new Float64Array(bytes),
  int32: (bytes) => new Int32Array(bytes),
  int64: (bytes, at) => Int32Array.from(new BigInt64Array(bytes), (value) => int32(Number(value), at)),
  int8: (bytes) => new Int8Array(bytes),
  int4x2: (bytes) => new Uint8Array(bytes),
  bool: (bytes) => new Uint8Array(bytes),
};

function int32(value: number, at: string): number {
  if ((value | 0) !== value) throw errorAt('ARGUMENT', at, `has ${value}; expected 32-bit integers`);
  return value;
}

function fromList(
  data: readonly FileNumber[],
  size: number,
  { dtype, shape }: EncodedTensor,
  at: string,
): TensorData {
  if (data.length !== size) {
    throw errorAt(
      'SHAPE',
      `${at}.data`,
      `has ${data.length} numbers; ${dtype} [${shape.join(', ')}] requires ${size}`,
    );
  }
  const read = (value: FileNumber, index: number): number => element(value, dtype, `${at}.data[${index}]`);
  if (dtype === 'bool' || dtype === 'int4x2') return Uint8Array.from(data, read);
  if (dtype === 'int8') return Int8Array.from(data, read);
  if (dtype === 'int32' || dtype === 'int64') return Int32Array.from(data, read);
  return cast(tensor(Float64Array.from(data, read), shape), dtype).data;
}

/** Largest finite values, with what rounds down to them. */
const LIMITS = {
  float16: 65519.99,
  bfloat16: 3.3961775292304597e38,
  float32: 3.4028235677973362e38,
  float64: Number.MAX_VALUE,
};

/** Integers of each type; an element of `int4x2` is a byte, with two of them. */
const RANGES = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  int64: [-(2 ** 31), 2 ** 31 - 1],
  int8: [-128, 127],
  int4x2: [0, 255],
} as const;

function isWithin(number: number, [from, to]: readonly [number, number]): boolean {
  return Number.isInteger(number) && from <= number && number <= to;
}

function element(value: FileNumber, dtype: FileDType, at: string): number {
  const number = Number(value);
  const allowed =
    dtype === 'bool'
      ? number === 0 || number === 1
      : dtype in RANGES
        ? typeof value === 'number' && isWithin(number, RANGES[dtype as keyof typeof RANGES])
        : typeof value === 'string' ||
          (typeof value === 'number' && Math.abs(number) <= LIMITS[dtype as keyof typeof LIMITS]);
  if (!allowed) throw errorAt('ARGUMENT', at, `is ${String(value)}, which is no ${dtype}`);
  return number;
}

/** Up to this many elements a tensor is written as a list of numbers, for people to read. */
const READABLE = 64;

/** The tensor as a file holds it, to the bit (a NaN keeps no payload). */
export function encodeTensor(given: Tensor): EncodedTensor {
  const { dtype, shape, data } = given;
  const numbers = data.length <= READABLE ? Array.from(numbersOf(given)) : null;
  // JSON.stringify writes −0 as 0.
  const readable = numbers?.every((value) => !Object.is(value, -0)) ? numbers : null;
  return { dtype, shape: [...shape], data: readable?.map(fileNumber) ?? base64Of(data) };
}

function fileNumber(value: number): FileNumber {
  return Number.isFinite(value) ? value : (String(value) as FileNumber);
}

function base64Of(data: TensorData): string {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const pieces: string[] = [];
  // A call takes a limited number of arguments.
  for (let at = 0; at < bytes.length; at += 0x8000) {
    pieces.push(String.fromCharCode(...bytes.subarray(at, at + 0x8000)));
  }
  return btoa(pieces.join(''));
}

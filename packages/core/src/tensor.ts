import { HeedError } from './error.ts';
import { kindOf, shown } from './options/shown.ts';

/** Element types. `bool` is one byte an element: 0 is false, everything else true. */
export type DType = FloatDType | QuantizedDType | 'int32' | 'bool';

/**
 * Integers of quantized keys and values, which scales make numbers of: 8 bits, or two of 4 bits in an element. The first
 * of the two is in the lower half of the byte; both are two's complement, −8 to 7.
 */
export type QuantizedDType = 'int8' | 'int4x2';

/** Element types of queries, keys, values and outputs. */
export type FloatDType = ComputeDType | HalfDType;

/** The types in which scores and sums are computed: float32 for a problem of a 16-bit type. */
export type ComputeDType = 'float32' | 'float64';

/** Floats of 16 bits: IEEE 754 binary16, and the upper half of a float32. Arithmetic on them runs in float32. */
export type HalfDType = 'float16' | 'bfloat16';

/** The typed array of each element type. */
export interface DTypeArrays {
  /** The bits of the numbers; if the engine has `Float16Array`, one can be made on the same memory. */
  float16: Uint16Array;
  /** The bits of the numbers: the upper 16 of a float32. */
  bfloat16: Uint16Array;
  float32: Float32Array;
  float64: Float64Array;
  int32: Int32Array;
  int8: Int8Array;
  /** Two numbers a byte: an axis of D numbers has D / 2 elements. */
  int4x2: Uint8Array;
  bool: Uint8Array;
}

/**
 * An array of numbers with a shape: row-major, dense, in memory of the JavaScript heap. A plain object, so that
 * it survives `structuredClone` and two copies of this package agree on it.
 */
export interface Tensor<D extends DType = DType> {
  readonly dtype: D;
  readonly shape: readonly number[];
  readonly data: DTypeArrays[D];
}

/** Numbers, or booleans in a mask, in arrays of arrays: `[[[[1, 0], [0, 1]]]]` is `[1, 1, 2, 2]`. */
export type NestedArray = readonly (number | boolean | NestedArray)[];

/** The needed part of `Float16Array`: engines before 2025 do not have it. */
export interface Float16ArrayLike {
  readonly [Symbol.toStringTag]: 'Float16Array';
  readonly buffer: ArrayBufferLike;
  readonly byteOffset: number;
  readonly length: number;
}

/** Arrays that determine their element type. A `Uint16Array` does not: it may hold float16 or bfloat16. */
export type NumberArray = Exclude<DTypeArrays[DType], Uint16Array | Int8Array> | Float16ArrayLike;

/** A typed array and its shape, as other libraries hand them out; the element type follows from the array. */
export interface ArrayWithShape<A extends NumberArray = NumberArray> {
  readonly data: A;
  readonly shape: readonly number[];
}

/** Slots of a pool of pages for new rows of a batch. */
export interface SlotPosition {
  /** int32 `[B, L]`. */
  readonly slots: PlainTensorLike;
  /** Default `bhld`. */
  readonly layout?: 'bhld' | 'blhd' | undefined;
}

/** Values accepted wherever a plain tensor is. */
export type PlainTensorLike = Tensor | ArrayWithShape | NestedArray;

/** A number for each element of the batch, such as a length or an offset. */
export type PerBatch = readonly number[] | Tensor<'int32'>;

/**
 * A tensor that lives in a backend's memory between calls: a wasm heap, a GPU buffer, a library's own tensor.
 * Only the backend that made it can compute with it.
 */
export interface ResidentTensor<D extends DType = DType> {
  /** Distinguishes a resident tensor from a plain one. */
  readonly resident: true;
  readonly dtype: D;
  readonly shape: readonly number[];
  /**
   * Overwrites the slices `start`, `start + 1`, … of an axis. `part` has this tensor's shape except for its length
   * on that axis. A key/value cache of fixed capacity grows this way: one row a step, nothing else is copied.
   * Sequences of unequal lengths grow with a start for each: element b of the part is written from `start[b]` on.
   *
   * Nested arrays take this tensor's element type.
   *
   * With `slots`, new rows of a batch `[B, Hkv, L, D]` go into their pages of a pool `[pages, Hkv, size, D]`: row l of
   * element b into slot `slots[b, l]`, which is page · size + row; −1 writes nothing. In layout `blhd` heads and rows are
   * exchanged in both. A cache `[B, Hkv, capacity, D]` that is a ring is such a pool, a page for each element: token t of
   * element b goes into slot b · capacity + t mod capacity.
   *
   * @throws HeedError `SHAPE` or `DTYPE` if the part does not fit, `ARGUMENT` for a slot that does not exist or is given
   * twice; nothing is written then.
   */
  write(
    part: PlainTensorLike,
    at: { readonly axis: number; readonly start: number | PerBatch } | SlotPosition,
  ): Promise<void>;
  /**
   * Returns a plain copy: of all, or of the slices `start`, `start + 1`, … of an axis, `length` of them.
   *
   * @throws HeedError `SHAPE` if the slices do not exist.
   */
  read(slices?: {
    readonly axis: number;
    readonly start: number;
    readonly length: number;
  }): Promise<Tensor<D>>;
  /**
   * Returns a new tensor of the slices `indices` of an axis, by default the first, in the given order and with repeats:
   * the caches of the beams that a step of beam search keeps, without leaving the backend's memory.
   *
   * @throws HeedError `ARGUMENT` for an index that does not exist, `SHAPE` for an axis that does not exist.
   */
  gather(indices: PerBatch, options?: { readonly axis?: number | undefined }): Promise<ResidentTensor<D>>;
  /**
   * Reorders the first axis in place: element b becomes what element `indices[b]` was. Like a write, this has no effect
   * on earlier calls.
   *
   * @throws HeedError `ARGUMENT` for an index that does not exist, `SHAPE` for too few or too many.
   */
  reorder(indices: PerBatch): Promise<void>;
  /** Returns a copy in the backend's memory. */
  copy(): Promise<ResidentTensor<D>>;
  /**
   * Returns the same memory with another shape of as many elements, without a copy: `[B, L, H·D]` as `[B, L, H, D]`.
   * A write to either is visible in both; the memory is freed when the last of them is disposed.
   *
   * @throws HeedError `SHAPE` for another number of elements.
   */
  view(shape: readonly number[]): ResidentTensor<D>;
  /**
   * Returns this tensor as it is now, after the writes so far, as another resident tensor, without a copy: later writes
   * and disposals do not affect it. A later `write()` waits for its dispose(), so dispose it soon. It cannot be written
   * itself. `attention()` holds its inputs this way, since it may have to compile first.
   */
  hold(): ResidentTensor<D>;
  /** Frees the memory. Safe to call twice; any later use throws an error with the code `DISPOSED`. */
  dispose(): void;
}

/** Returns whether a value is a resident tensor, of any backend. */
export function isResident(value: unknown): value is ResidentTensor {
  return typeof value === 'object' && value !== null && (value as Partial<ResidentTensor>).resident === true;
}

/** Number of elements of a shape: 1 for `[]`. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((size, length) => size * length, 1);
}

/** Element type for a typed array. */
export type ArrayDType<A> = A extends Float32Array
  ? 'float32'
  : A extends Float64Array
    ? 'float64'
    : A extends Int32Array
      ? 'int32'
      : A extends Float16ArrayLike
        ? 'float16'
        : 'bool';

/**
 * Wraps a typed array, without a copy, as a tensor. The element type follows from the array:
 * `Float32Array`, `Float64Array`, `Int32Array`, `Float16Array`, and `Uint8Array` for booleans. The tensor of a
 * `Float16Array` has its bits, as a `Uint16Array` on the same memory. To make a tensor of bits, write
 * `{ dtype: 'float16', shape, data }`, or `bfloat16`.
 *
 * @throws HeedError `SHAPE` if the array does not have exactly the elements of the shape;
 * `DTYPE` for any other kind of array.
 *
 * @example
 * ```ts
 * import { tensor } from '@heed/core';
 *
 * const query = tensor(new Float32Array([1, 2, 3, 4, 5, 6]), [1, 1, 2, 3]);
 * console.log(query.dtype); // float32
 * ```
 */
export function tensor<A extends NumberArray>(given: A, shape: readonly number[]): Tensor<ArrayDType<A>> {
  const data = isFloat16Array(given) ? new Uint16Array(given.buffer, given.byteOffset, given.length) : given;
  const dtype = data === given ? dtypeOfArray(data) : 'float16';
  if (dtype === undefined) {
    throw new HeedError('DTYPE', `the data is ${kindOf(data)}; expected ${ARRAYS}`, {
      clause: 'shape',
      remedy: copyRemedy(data),
    });
  }
  const result = { dtype, shape: Array.isArray(shape) ? [...shape] : shape, data } as unknown as Tensor<
    ArrayDType<A>
  >;
  checkTensor('tensor', result as Tensor);
  return result;
}

interface ArrayOf<A> {
  new (length: number): A;
  new (buffer: ArrayBufferLike, byteOffset?: number, length?: number): A;
}

/** The class of the data of each element type. */
export const DATA_ARRAYS: { readonly [D in DType]: ArrayOf<DTypeArrays[D]> } = {
  float16: Uint16Array,
  bfloat16: Uint16Array,
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  int8: Int8Array,
  int4x2: Uint8Array,
  bool: Uint8Array,
};

/** A tensor of zeros. */
export function zeros<D extends DType>(dtype: D, shape: readonly number[]): Tensor<D> {
  return { dtype, shape: [...shape], data: new DATA_ARRAYS[dtype](sizeOf(shape)) };
}

/** Name of the class of an array, not the class: arrays may come from another realm (an iframe, a vm, a test runner). */
function classOf(data: unknown): unknown {
  return (data as { readonly [Symbol.toStringTag]?: unknown } | null | undefined)?.[Symbol.toStringTag];
}

/** Returns whether data is a Float16Array, of any realm. */
export function isFloat16Array(data: unknown): data is Float16ArrayLike {
  return classOf(data) === 'Float16Array';
}

/** Returns whether an array can hold the data of a tensor of this type. */
function holds(data: unknown, dtype: unknown): boolean {
  switch (classOf(data)) {
    case 'Uint16Array':
      return dtype === 'float16' || dtype === 'bfloat16';
    case 'Int8Array':
      return dtype === 'int8';
    case 'Uint8Array':
      return dtype === 'bool' || dtype === 'int4x2';
    default:
      return dtypeOfArray(data) === dtype;
  }
}

/** Element type that follows from the class of an array; undefined for bits, and for classes that no tensor has. */
export function dtypeOfArray(data: unknown): DType | undefined {
  switch (classOf(data)) {
    case 'Float32Array':
      return 'float32';
    case 'Float64Array':
      return 'float64';
    case 'Int32Array':
      return 'int32';
    case 'Uint8Array':
      return 'bool';
    default:
      return undefined;
  }
}

/** Returns the remedy: how to copy numbers from an array of another class. */
function copyRemedy(data: unknown): string {
  const kind = kindOf(data);
  if (kind === 'BigInt64Array' || kind === 'BigUint64Array') {
    return 'copy the numbers: Float32Array.from(data, Number), or Int32Array.from(data, Number) for ids and lengths; booleans are a Uint8Array of 0 and 1';
  }
  if (kind === 'Uint16Array') {
    return "give bits of 16-bit floats as { dtype: 'float16', shape, data }, or 'bfloat16'; copy integers: Int32Array.from(data)";
  }
  if (kind === 'DataView') {
    return 'view the bytes as what they are: new Float32Array(data.buffer, data.byteOffset, data.byteLength / 4)';
  }
  return 'copy the numbers: new Float32Array(data); booleans are a Uint8Array of 0 and 1';
}

const ARRAYS = 'a Float32Array, Float64Array, Int32Array, Float16Array or Uint8Array';

/**
 * Returns a tensor with the same numbers in a plain typed array: `slice` and `map` of a Node `Buffer` are not those of
 * a Uint8Array.
 */
export function plainView({ dtype, shape, data }: Tensor): Tensor {
  const { buffer, byteOffset, length } = data;
  const isBytes = dtype === 'bool' || dtype === 'int4x2';
  const bytes = isBytes ? new Uint8Array(buffer, byteOffset, length) : data;
  return { dtype, shape: [...shape], data: bytes };
}

function checkList(name: string, shape: unknown): asserts shape is readonly unknown[] {
  if (Array.isArray(shape)) return;
  throw new HeedError('SHAPE', `the shape of ${name} is ${shown(shape)}; expected an array of lengths`, {
    clause: 'shape',
    remedy: 'give the lengths of the axes, such as [1, 1, 3, 2]',
  });
}

function checkShape(name: string, shape: readonly unknown[]): void {
  if (Array.from(shape).every((length) => Number.isSafeInteger(length) && (length as number) >= 0)) return;
  throw new HeedError(
    'SHAPE',
    `${name} has the shape [${shape.map(String).join(', ')}]; expected integers ≥ 0`,
    { clause: 'shape', remedy: 'give the lengths of the axes, such as [1, 1, 3, 2]' },
  );
}

const DTYPES: readonly unknown[] = [
  'float32',
  'float64',
  'float16',
  'bfloat16',
  'int32',
  'int8',
  'int4x2',
  'bool',
] satisfies DType[];

/**
 * Checks that this element type and shape are valid.
 *
 * @throws HeedError `DTYPE` or `SHAPE`.
 */
export function checkForm(name: string, dtype: unknown, shape: unknown): void {
  if (!DTYPES.includes(dtype)) {
    throw new HeedError('DTYPE', `the dtype of ${name} is ${shown(dtype)}; expected ${DTYPES.join(', ')}`, {
      clause: 'shape',
      remedy: 'name one of them, such as float32',
    });
  }
  checkList(name, shape);
  checkShape(name, shape);
}

/** Checks that a value is a tensor whose data, element type and shape agree. The error shows `name`. */
export function checkTensor(name: string, value: unknown): asserts value is Tensor {
  if (isResident(value)) {
    throw new HeedError('ARGUMENT', `${name} is resident; expected a plain tensor`, {
      clause: 'resident',
      remedy: `await ${name}.read() gives a plain copy`,
    });
  }
  const candidate = value as Partial<Tensor> | null | undefined;
  if (
    typeof candidate !== 'object' ||
    candidate === null ||
    !('data' in candidate || Array.isArray(candidate.shape))
  ) {
    throw new HeedError('SHAPE', `${name} is not a tensor but ${kindOf(value)}`, {
      clause: 'shape',
      remedy: 'make one with tensor(typedArray, shape)',
    });
  }
  const { shape, data, dtype } = candidate;
  checkList(name, shape);
  if (dtype === undefined || !holds(data, dtype)) {
    const isNoArray = dtypeOfArray(data) === undefined && !isFloat16Array(data);
    throw new HeedError(
      'DTYPE',
      `${name} has the dtype ${String(dtype)} and data of ${kindOf(data)}; expected two that match`,
      {
        clause: 'shape',
        remedy: isNoArray
          ? `${copyRemedy(data)}; tensor(data, shape) tells its dtype`
          : `give ${ARRAYS} (of booleans); tensor(data, shape) tells its dtype`,
      },
    );
  }
  checkShape(name, shape);
  if (data!.length !== sizeOf(shape)) {
    throw new HeedError(
      'SHAPE',
      `${name} has ${data!.length} elements; its shape [${shape.join(', ')}] requires ${sizeOf(shape)}`,
      { clause: 'shape', remedy: 'give a shape whose product is the number of elements' },
    );
  }
}

import { HeedError } from './error.ts';
import { cast } from './float16.ts';
import {
  type ArrayDType,
  type ArrayWithShape,
  type DType,
  type Float16ArrayLike,
  type FloatDType,
  type NestedArray,
  type NumberArray,
  type PlainTensorLike,
  type ResidentTensor,
  type Tensor,
  checkTensor,
  dtypeOfArray,
  isFloat16Array,
  isResident,
  sizeOf,
  tensor,
} from './tensor.ts';

/** Values accepted wherever a tensor is. */
export type TensorLike = PlainTensorLike | ResidentTensor;

/** The element type of a plain tensor-like value. Nested arrays are float32, or bool if they hold booleans. */
export type DTypeOf<T extends PlainTensorLike> = T extends { readonly dtype: infer D extends DType }
  ? D
  : T extends { readonly data: infer A extends NumberArray }
    ? ArrayDType<A>
    : 'float32' | 'bool';

/** The element type of results for a tensor-like query. */
export type FloatDTypeOf<Q> = Q extends { readonly dtype: infer D }
  ? D extends FloatDType
    ? D
    : FloatDType
  : Q extends { readonly data: Float64Array }
    ? 'float64'
    : Q extends { readonly data: Float32Array } | readonly unknown[]
      ? 'float32'
      : Q extends { readonly data: Float16ArrayLike }
        ? 'float16'
        : FloatDType;

const FLOATS: readonly DType[] = ['float32', 'float64', 'float16', 'bfloat16'];

/** Returns whether tensors of this type hold floats. */
export function isFloat(dtype: DType): dtype is FloatDType {
  return FLOATS.includes(dtype);
}

/** Kind of numbers that an input takes: `mask` is floats or booleans, `any` whatever the array holds. */
export type Slot = 'float' | 'mask' | 'int32' | 'any';

/**
 * Makes a tensor of a tensor-like value, without a copy of typed arrays. Resident tensors stay as they are.
 *
 * @param floats the element type of nested arrays of numbers where floats belong.
 * @throws HeedError `SHAPE` or `DTYPE`.
 */
export function toTensor(
  name: string,
  value: unknown,
  slot: Slot,
  floats: FloatDType = 'float32',
): Tensor | ResidentTensor {
  if (isResident(value)) return value;
  if (Array.isArray(value)) return ofNested(name, value as NestedArray, slot, floats);
  if (!isArrayWithShape(value)) {
    checkTensor(name, value);
    return value;
  }
  const { data, shape } = value;
  if ((slot === 'float' || slot === 'int32') && dtypeOfArray(data) === 'bool') {
    throw new HeedError('DTYPE', `${name} holds bytes; expected ${slot === 'float' ? 'float32' : slot}`, {
      clause: 'shape',
      remedy:
        'view the bytes as what they are: new Float32Array(data.buffer, data.byteOffset, data.length / 4)',
    });
  }
  const result = tensor(data, shape) as Tensor;
  checkTensor(name, result);
  return result;
}

function isArrayWithShape(given: unknown): given is ArrayWithShape {
  const value = given as {
    readonly dtype?: unknown;
    readonly shape?: unknown;
    readonly data?: unknown;
  } | null;
  if (typeof value !== 'object' || value === null || !Array.isArray(value.shape)) return false;
  if (isFloat16Array(value.data)) return value.dtype === undefined || value.dtype === 'float16';
  return value.dtype === undefined && dtypeOfArray(value.data) !== undefined;
}

function ofNested(name: string, value: NestedArray, slot: Slot, floats: FloatDType): Tensor {
  const shape = shapeOf(name, value);
  const flat: (number | boolean)[] = Array.from({ length: sizeOf(shape) });
  const fill = (part: NestedArray | number | boolean, depth: number, at: number): number => {
    if (!Array.isArray(part)) {
      if (depth === shape.length && (typeof part === 'number' || typeof part === 'boolean')) {
        flat[at] = part as number | boolean;
        return at + 1;
      }
    } else if (depth < shape.length && part.length === shape[depth]) {
      let place = at;
      // Not reduce(), which passes over holes.
      for (const inner of part as NestedArray) place = fill(inner, depth + 1, place);
      return place;
    }
    throw new HeedError(
      'SHAPE',
      `${name} is ragged: not every array in it is [${shape.slice(depth).join(', ')}]`,
      {
        clause: 'shape',
        remedy: 'give arrays of equal lengths, of numbers or booleans',
      },
    );
  };
  fill(value, 0, 0);
  const booleans = flat.filter((element) => typeof element === 'boolean').length;
  const takesBooleans = slot === 'mask' || slot === 'any';
  if (booleans > 0 && (!takesBooleans || booleans < flat.length)) {
    throw new HeedError('DTYPE', `${name} has booleans; expected numbers`, {
      clause: 'shape',
      remedy: takesBooleans
        ? 'give booleans alone, or numbers alone'
        : 'give booleans as a mask, or write them as 0 and 1',
    });
  }
  if (booleans > 0) return tensor(Uint8Array.from(flat, Number), shape) as Tensor;
  if (slot === 'int32') return tensor(integers(name, flat as number[]), shape) as Tensor;
  return cast(tensor(Float64Array.from(flat as number[]), shape), floats);
}

/** More axes than any tensor has: an array that contains itself would be traversed forever. */
const DEEPEST = 32;

/** The lengths of the first array at each depth. */
function shapeOf(name: string, value: NestedArray): number[] {
  const shape: number[] = [];
  for (let part: unknown = value; Array.isArray(part); part = part[0]) {
    shape.push(part.length);
    if (shape.length > DEEPEST) {
      throw new HeedError(
        'SHAPE',
        `${name} is nested deeper than ${DEEPEST} arrays; expected one for each axis`,
        {
          clause: 'shape',
          remedy: 'check that no array contains itself',
        },
      );
    }
  }
  return shape;
}

function integers(name: string, numbers: readonly number[]): Int32Array {
  const wrong = numbers.find((number) => (number | 0) !== number);
  if (wrong === undefined) return Int32Array.from(numbers);
  throw new HeedError('ARGUMENT', `${name} has ${wrong}; expected 32-bit integers`, {
    clause: 'shape',
    remedy: 'give whole numbers: ids are compared, not computed with',
  });
}

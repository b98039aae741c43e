import { type ComputeDType, HeedError, type Tensor, isResident } from '@heed/core';
import { shown, sizeOf, toTensor } from '@heed/core/backend';

/** A tensor that layers compute with. */
export type FloatTensor = Tensor<ComputeDType>;
export type FloatArray = FloatTensor['data'];

/** The same numbers under another shape. */
export function reshape<T extends Tensor>(value: T, shape: readonly number[]): T {
  return { ...value, shape: [...shape] };
}

/** `[N]`: sums that were kept in float64, in the dtype of a layer. */
export function vector(dtype: ComputeDType, sums: Float64Array): FloatTensor {
  return { dtype, shape: [sums.length], data: dtype === 'float64' ? sums : Float32Array.from(sums) };
}

/** The elementwise sum, in a new tensor. */
export function sum(first: FloatTensor, ...others: readonly FloatTensor[]): FloatTensor {
  const data = first.data.slice();
  for (const { data: other } of others) add(data, other);
  return { ...first, data };
}

/** A function of its own, which engines can optimize in the middle of a call of its callers. */
function add(to: FloatArray, from: FloatArray): void {
  const { length } = to;
  for (let n = 0; n < length; n++) to[n] += from[n];
}

/** The elementwise product, in a new tensor. Where the first is 0, so is the product. */
export function product(first: FloatTensor, second: FloatTensor): FloatTensor {
  const data = first.data.slice();
  const { data: other } = second;
  // Padding may hold NaN.
  for (let n = 0; n < data.length; n++) data[n] = data[n] === 0 ? 0 : data[n] * other[n];
  return { ...first, data };
}

/**
 * Rejects a value that is not a plain tensor.
 *
 * @throws HeedError `ARGUMENT` for a resident tensor, `DTYPE` or `SHAPE`.
 */
export function checkPlain(name: string, given: unknown): asserts given is Tensor {
  if (isResident(given)) {
    throw new HeedError('ARGUMENT', `${name} is resident; expected a plain tensor`, {
      remedy: `await ${name}.read() gives a plain one`,
    });
  }
  const value = given as Partial<Tensor> | null | undefined;
  if (!Array.isArray(value?.shape) || !ArrayBuffer.isView(value.data)) {
    throw new HeedError('SHAPE', `${name} is not a tensor`, {
      remedy: 'make one with tensor(typedArray, shape)',
    });
  }
  if (value.dtype === undefined) {
    throw new HeedError('DTYPE', `${name} has no dtype; expected that of its numbers`, {
      remedy: 'make a tensor with tensor(typedArray, shape), which tells it',
    });
  }
  const size = sizeOf(value.shape as readonly number[]);
  if (value.data.length === size) {
    toTensor(name, value, 'any');
    return;
  }
  throw new HeedError(
    'SHAPE',
    `${name} has ${value.data.length} elements; its shape [${value.shape.join(', ')}] requires ${size}`,
    { remedy: 'give a shape whose product is the number of elements' },
  );
}

/**
 * Rejects a value that is not an object of plain tensors.
 *
 * @param what in messages, plural.
 * @throws HeedError `ARGUMENT`, `DTYPE` or `SHAPE`.
 */
export function checkNamed(what: string, given: unknown): void {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new HeedError('ARGUMENT', `${what} are ${shown(given)}; expected tensors by name`, {
      remedy: 'give the parameters of a layer, or those of what gradient() returned',
    });
  }
  for (const [name, value] of Object.entries(given)) checkPlain(`${name} of ${what}`, value);
}

/**
 * Checks a tensor's element type and shape.
 *
 * @param axes each axis's letter and length; a null length is any.
 * @throws HeedError `MISSING_INPUT`, `DTYPE` or `SHAPE`; `ARGUMENT` for a resident tensor.
 */
export function checkShape(
  name: string,
  value: Tensor | undefined,
  dtype: ComputeDType,
  axes: readonly (readonly [letter: string, length: number | null])[],
): asserts value is FloatTensor {
  const letters = `[${axes.map(([letter, length]) => (length === null ? letter : `${letter}=${length}`)).join(', ')}]`;
  if (value === undefined) {
    throw new HeedError('MISSING_INPUT', `${name} is missing; expected ${dtype} ${letters}`, {
      remedy: `give ${name}`,
    });
  }
  checkPlain(name, value);
  if (value.dtype !== dtype) {
    throw new HeedError('DTYPE', `${name} is ${value.dtype}; expected ${dtype}, as the layer's parameters`, {
      remedy: `convert the numbers, cast(tensor, '${dtype}'), or make the layer with their dtype: float32 or float64`,
    });
  }
  const fits =
    value.shape.length === axes.length &&
    axes.every(([, length], axis) => length === null || length === value.shape[axis]);
  if (fits) return;
  throw new HeedError('SHAPE', `${name} is [${value.shape.join(', ')}]; expected ${letters}`, {
    remedy: `give ${name} these axes, or make the layer with the widths of ${name}`,
  });
}

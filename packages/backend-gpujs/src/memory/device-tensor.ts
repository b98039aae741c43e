import type { DType, Tensor } from '@heed/core';
import { type DeviceMemory, type NativeTensor, sizeOf, writeSlices } from '@heed/core/backend';
import { type Engine, type Slab, eachPiece } from '../platform/engine.ts';
import { type Exceptions, UNSEEN, decode, encode } from './finite.ts';

/** A tensor of this backend: on the device, or on the host if programs never read it. */
export type DeviceTensor = DeviceArray | HostArray;

/** float32, or the bytes of a boolean mask as float32, gpu.js's one element type. */
export interface DeviceArray extends NativeTensor {
  readonly dtype: 'float32' | 'bool';
  readonly array: unknown;
  readonly exceptions: Exceptions;
}

/** Integers, which the host converts to positions and ids; and results that have one number a row. */
export interface HostArray extends NativeTensor {
  readonly data: Tensor['data'];
}

export function isOnDevice(tensor: DeviceTensor): tensor is DeviceArray {
  return 'array' in tensor;
}

/** The memory of an engine. */
export function deviceMemory(engine: Engine): DeviceMemory<DeviceTensor> {
  return {
    async upload(tensor) {
      return onDevice(tensor.dtype) ? uploadArray(engine, tensor) : { ...tensor, data: tensor.data.slice() };
    },
    download: (tensor) => downloadTensor(engine, tensor),
    async write(tensor, part, { axis, start }) {
      if (!isOnDevice(tensor)) {
        writeSlices(tensor, part, { axis, start });
        return tensor;
      }
      if (typeof start === 'number')
        return writeArray(engine, tensor, part, slabOf(tensor.shape, part, axis, start));
      // With a start for each element of the batch, the write goes through the host.
      const whole = await downloadTensor(engine, tensor);
      writeSlices(whole, part, { axis, start });
      engine.free(tensor.array);
      return uploadArray(engine, whole);
    },
    free(tensor) {
      if (isOnDevice(tensor)) engine.free(tensor.array);
    },
  };
}

function onDevice(dtype: DType): dtype is 'float32' | 'bool' {
  return dtype === 'float32' || dtype === 'bool';
}

export async function uploadArray(engine: Engine, { dtype, shape, data }: Tensor): Promise<DeviceArray> {
  const { encoded, exceptions } = encode(data instanceof Float32Array ? data : Float32Array.from(data));
  // Arrays must have elements in every mode.
  const array = await engine.upload(encoded.length === 0 ? new Float32Array(1) : encoded);
  return { dtype: dtype as 'float32' | 'bool', shape, array, exceptions };
}

/**
 * Makes a tensor of an array that programs filled. Without an array, as there was nothing to compute, it is zero.
 *
 * @param values elements that are not finite, by index.
 */
export async function newArray(
  engine: Engine,
  array: unknown,
  shape: readonly number[],
  values: ReadonlyMap<number, number> = UNSEEN.values,
): Promise<DeviceArray> {
  const exceptions = { ...UNSEEN, values };
  const filled = array ?? (await engine.upload(new Float32Array(Math.max(1, sizeOf(shape)))));
  return { dtype: 'float32', shape, array: filled, exceptions };
}

/** A plain copy. */
export async function downloadTensor(engine: Engine, tensor: DeviceTensor): Promise<Tensor> {
  const { dtype } = tensor;
  const shape = [...tensor.shape];
  if (!isOnDevice(tensor)) return { dtype, shape, data: tensor.data.slice() as Tensor['data'] };
  const length = sizeOf(shape);
  if (length === 0) return { dtype, shape, data: dtype === 'bool' ? new Uint8Array(0) : new Float32Array(0) };
  const data = decode(await engine.download(tensor.array, length), tensor.exceptions);
  return { dtype, shape, data: dtype === 'bool' ? Uint8Array.from(data) : data };
}

async function writeArray(
  engine: Engine,
  tensor: DeviceArray,
  part: Tensor,
  slab: Slab,
): Promise<DeviceArray> {
  if (part.data.length === 0) return tensor;
  const { encoded, exceptions } = encode(Float32Array.from(part.data));
  const array = await engine.overwrite(tensor.array, encoded, slab);
  const values = new Map(tensor.exceptions.values);
  eachPiece(slab, (from, to, elements) => {
    for (const index of values.keys()) if (index >= to && index < to + elements) values.delete(index);
    for (const [index, value] of exceptions.values) {
      if (index >= from && index < from + elements) values.set(to + index - from, value);
    }
  });
  const before = tensor.exceptions;
  const all = {
    minusInfinity: before.minusInfinity || exceptions.minusInfinity,
    values,
    minimum: Math.min(before.minimum, exceptions.minimum),
    maximum: Math.max(before.maximum, exceptions.maximum),
  };
  return { ...tensor, array, exceptions: all };
}

function slabOf(shape: readonly number[], part: Tensor, axis: number, start: number): Slab {
  return {
    outer: sizeOf(shape.slice(0, axis)),
    length: shape[axis]!,
    inner: sizeOf(shape.slice(axis + 1)),
    start,
    count: part.shape[axis]!,
  };
}

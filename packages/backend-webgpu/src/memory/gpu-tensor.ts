import type { DType, HeedError } from '@heed/core';
import { ELEMENT_BYTES, type NativeTensor, sizeOf } from '@heed/core/backend';
import { COPY_DST, COPY_SRC, STORAGE } from '../platform/constants.ts';
import type { Engine } from '../platform/engine.ts';
import { outOfMemory } from '../platform/scoped.ts';

/** A tensor on the device: its elements one after the other in a buffer, booleans as bytes, numbers as they are stored. */
export interface GpuTensor extends NativeTensor {
  readonly buffer: GPUBuffer;
  /** Offset in bytes. */
  readonly offset: number;
  /** True if the buffer is destroyed with the tensor. */
  readonly owned: boolean;
}

export function bytesOf({ dtype, shape }: NativeTensor): number {
  return sizeOf(shape) * ELEMENT_BYTES[dtype];
}

/** Rounds bytes up: buffers are whole vectors, and never empty, since shaders bind them. */
function roomFor(bytes: number): number {
  return Math.max(16, Math.ceil(bytes / 16) * 16);
}

/** Call it within `scoped`. @throws HeedError `OUT_OF_MEMORY` beyond the device's largest buffer. */
export function createBuffer(engine: Engine, bytes: number, usage: number): GPUBuffer {
  const size = roomFor(bytes);
  checkSize(engine, size);
  return engine.device.createBuffer({ size, usage });
}

/**
 * Checks that the device allows buffers of this size.
 *
 * @throws HeedError `OUT_OF_MEMORY`.
 */
export function checkSize({ device }: Engine, bytes: number): void {
  const { maxBufferSize } = device.limits;
  if (bytes > maxBufferSize) throw tooLarge('a tensor', bytes, 'maxBufferSize', maxBufferSize);
}

/** An error for something larger than a limit of the device. */
export function tooLarge(
  what: string,
  bytes: number,
  limit: 'maxBufferSize' | 'maxStorageBufferBindingSize',
  most: number,
): HeedError {
  return outOfMemory(
    `cannot have ${what} of ${bytes} bytes: the device allows ${most} (${limit})`,
    `leave 'weights' out of outputs, divide batch or heads among calls, or give create() a device with a larger ${limit}`,
  );
}

/** Creates a tensor of zeros; call it within `scoped`. */
export function createTensor(engine: Engine, dtype: DType, shape: readonly number[]): GpuTensor {
  const buffer = createBuffer(engine, bytesOf({ dtype, shape }), STORAGE | COPY_SRC | COPY_DST);
  return { dtype, shape: [...shape], buffer, offset: 0, owned: true };
}

export function freeTensor({ buffer, owned }: GpuTensor): void {
  if (owned) buffer.destroy();
}

/**
 * Binding of a tensor for shaders: whole vectors, if the buffer has them.
 *
 * @param part bytes of the tensor, from a multiple of 256 on; default all.
 */
export function bindingOf(
  native: GpuTensor,
  [from, to]: readonly [from: number, to: number] = [0, bytesOf(native)],
): GPUBufferBinding {
  const { buffer } = native;
  const offset = native.offset + from;
  return { buffer, offset, size: Math.min(roomFor(to - from), buffer.size - offset) };
}

import type { DType } from '@heed/core';
import { ELEMENT_BYTES, type NativeTensor, sizeOf } from '@heed/core/backend';
import { COPY_DST, COPY_SRC, STORAGE } from '../platform/constants.ts';
import type { Engine } from '../platform/engine.ts';
import { outOfMemory } from '../platform/scoped.ts';

/** A tensor on the device: its elements one after the other in a buffer, booleans as bytes. */
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
  checkSize(engine, size, usage);
  return engine.device.createBuffer({ size, usage });
}

/**
 * Checks that the device allows buffers of this size and, for `STORAGE`, that a shader can see all of one.
 *
 * @throws HeedError `OUT_OF_MEMORY`.
 */
export function checkSize({ device, largestBinding }: Engine, bytes: number, usage: number): void {
  const isSeen = (usage & STORAGE) !== 0;
  const most = isSeen ? largestBinding : device.limits.maxBufferSize;
  if (bytes <= most) return;
  const limit = isSeen ? 'maxStorageBufferBindingSize' : 'maxBufferSize';
  throw outOfMemory(
    `cannot have a tensor of ${bytes} bytes: the device allows ${most} (${limit})`,
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

/** Binding of a tensor for shaders: whole vectors, if the buffer has them. */
export function bindingOf(native: GpuTensor): GPUBufferBinding {
  const { buffer, offset } = native;
  return { buffer, offset, size: Math.min(roomFor(bytesOf(native)), buffer.size - offset) };
}

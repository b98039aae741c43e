import { type DType, HeedError } from '@heed/core';
import { ELEMENT_BYTES } from '@heed/core/backend';
import { COPY_DST, COPY_SRC, STORAGE } from '../platform/constants.ts';
import type { Engine } from '../platform/engine.ts';
import { type GpuTensor, bytesOf, checkSize } from './gpu-tensor.ts';

/** Argument of `wrap`: a buffer of the backend's device, and the tensor in it. */
export interface GpuBufferTensor {
  /** Buffer with the usages STORAGE, COPY_SRC and COPY_DST. */
  readonly buffer: GPUBuffer;
  /** Element type; booleans are bytes. */
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Offset of the tensor in the buffer, in bytes: a multiple of 256. Default 0. */
  readonly offset?: number | undefined;
  /** True if `dispose()` of the resident tensor destroys the buffer. Default false. */
  readonly owned?: boolean | undefined;
}

const DTYPES: readonly unknown[] = Object.keys(ELEMENT_BYTES) satisfies string[];
const USAGE = STORAGE | COPY_SRC | COPY_DST;

/**
 * Wraps a buffer that somebody else made as a tensor; null if the value is not a {@link GpuBufferTensor}.
 *
 * @throws HeedError `ARGUMENT` for a buffer that lacks a usage, an offset that shaders cannot bind; `SHAPE` for a buffer
 * that is too small; `OUT_OF_MEMORY` for a tensor beyond the device's largest buffer.
 */
export function wrapBuffer(engine: Engine, value: unknown): GpuTensor | null {
  if (!isBufferTensor(value)) return null;
  const { buffer, dtype, shape, offset = 0, owned = false } = value;
  if ((buffer.usage & USAGE) !== USAGE) {
    throw refusal(
      'ARGUMENT',
      `the buffer has the usage ${buffer.usage}; expected STORAGE, COPY_SRC and COPY_DST`,
      'create the buffer with all three',
    );
  }
  const alignment = engine.device.limits.minStorageBufferOffsetAlignment;
  if (!Number.isSafeInteger(offset) || offset < 0 || offset % alignment !== 0) {
    throw refusal(
      'ARGUMENT',
      `offset is ${offset}; expected a multiple of ${alignment}`,
      'copy the tensor there',
    );
  }
  const bytes = Math.max(16, Math.ceil(bytesOf({ dtype, shape }) / 4) * 4);
  if (buffer.size - offset < bytes) {
    const given = `the buffer has ${buffer.size - offset} bytes from ${offset} on`;
    throw refusal(
      'SHAPE',
      `${given}; ${dtype} [${shape.join(', ')}] requires ${bytes}`,
      'make a larger buffer',
    );
  }
  checkSize(engine, bytes);
  return { dtype, shape: [...shape], buffer, offset, owned };
}

function isBufferTensor(value: unknown): value is GpuBufferTensor {
  const { buffer, dtype, shape } = (value ?? {}) as Partial<GpuBufferTensor>;
  return (
    typeof buffer?.mapAsync === 'function' &&
    DTYPES.includes(dtype) &&
    Array.isArray(shape) &&
    shape.every((length) => Number.isSafeInteger(length) && length >= 0)
  );
}

function refusal(code: 'ARGUMENT' | 'SHAPE', message: string, remedy: string): HeedError {
  return new HeedError(code, `webgpu cannot wrap this: ${message}`, { clause: 'resident', remedy });
}

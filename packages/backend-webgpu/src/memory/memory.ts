import type { Tensor } from '@heed/core';
import {
  type DeviceMemory,
  ELEMENT_BYTES,
  slabOf,
  type WritePosition,
  writeSlices,
  zeros,
} from '@heed/core/backend';
import { COPY_DST, MAP_READ } from '../platform/constants.ts';
import type { Engine } from '../platform/engine.ts';
import { orLost, scoped } from '../platform/scoped.ts';
import { type GpuTensor, bytesOf, createBuffer, createTensor, freeTensor } from './gpu-tensor.ts';
import { wrapBuffer } from './wrap.ts';

/** The memory of a device. */
export function gpuMemory(engine: Engine): DeviceMemory<GpuTensor> {
  return {
    upload: (tensor) =>
      scoped(engine, () => {
        const native = createTensor(engine, tensor.dtype, tensor.shape);
        writeBytes(engine, native, 0, tensor.data, 0, tensor.data.byteLength);
        return native;
      }),
    download: (native) => download(engine, native),
    async write(native, part, at) {
      await writePart(engine, native, part, at);
      return native;
    },
    free: freeTensor,
    wrap: (value) => wrapBuffer(engine, value),
  };
}

/** Copies some bytes of an array to a tensor; both places are multiples of 4, and what is behind the end is 0. */
function writeBytes(
  { device }: Engine,
  { buffer, offset }: GpuTensor,
  to: number,
  data: Tensor['data'],
  from: number,
  bytes: number,
): void {
  if (bytes === 0) return;
  const start = data.byteOffset + from;
  if (bytes % 4 === 0) {
    device.queue.writeBuffer(buffer, offset + to, data.buffer as ArrayBuffer, start, bytes);
    return;
  }
  const padded = new Uint8Array(Math.ceil(bytes / 4) * 4);
  padded.set(new Uint8Array(data.buffer, start, bytes));
  device.queue.writeBuffer(buffer, offset + to, padded);
}

async function download(engine: Engine, native: GpuTensor): Promise<Tensor> {
  const { dtype, shape, buffer, offset } = native;
  const result = zeros(dtype, shape);
  const bytes = bytesOf(native);
  if (bytes === 0) return result;
  const size = Math.ceil(bytes / 4) * 4;
  const staging = await scoped(engine, () => {
    const { device } = engine;
    const target = createBuffer(engine, size, MAP_READ | COPY_DST);
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(buffer, offset, target, 0, size);
    device.queue.submit([encoder.finish()]);
    return target;
  });
  try {
    await orLost(engine, staging.mapAsync(MAP_READ, 0, size));
    new Uint8Array(result.data.buffer).set(new Uint8Array(staging.getMappedRange(0, size), 0, bytes));
    return result;
  } finally {
    staging.destroy();
  }
}

/** Overwrites slices of one axis. */
async function writePart(
  engine: Engine,
  native: GpuTensor,
  part: Tensor,
  { axis, start }: WritePosition,
): Promise<void> {
  const { shape, dtype } = native;
  const slab = slabOf(shape, axis, start, part.shape[axis]!);
  const { outer } = slab;
  const [run, stride, first] = [slab.run, slab.stride, slab.first].map(
    (elements) => elements * ELEMENT_BYTES[dtype],
  ) as [number, number, number];
  if (outer * run === 0) return;
  // Writes are of whole words: bytes that are not go by way of the host.
  if (dtype === 'bool' && [run, stride, first].some((bytes) => bytes % 4 !== 0)) {
    const whole = await download(engine, native);
    writeSlices(whole, part, { axis, start });
    await scoped(engine, () => writeBytes(engine, native, 0, whole.data, 0, whole.data.byteLength));
    return;
  }
  await scoped(engine, () => {
    for (let o = 0; o < outer; o++) {
      writeBytes(engine, native, first + o * stride, part.data, o * run, run);
    }
  });
}

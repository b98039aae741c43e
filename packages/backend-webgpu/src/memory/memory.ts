import type { Tensor } from '@heed/core';
import {
  type DeviceMemory,
  ELEMENT_BYTES,
  type Run,
  type SlicePosition,
  takenRuns,
  takenShape,
  writeSlices,
  writtenRuns,
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
    allocate: (dtype, shape) => scoped(engine, () => createTensor(engine, dtype, shape)),
    take: (native, axis, indices) => take(engine, native, axis, indices),
    wrap: (value) => wrapBuffer(engine, value),
  };
}

/** Copies some bytes of an array to a tensor; both places are multiples of 4, and bytes past the end are 0. */
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

/** The same runs in bytes. */
function bytesOfRuns(runs: Iterable<Run>, { dtype }: GpuTensor): Run[] {
  const bytes = ELEMENT_BYTES[dtype];
  return Array.from(runs, ({ from, to, length }) => ({
    from: from * bytes,
    to: to * bytes,
    length: length * bytes,
  }));
}

/** Returns whether runs are whole words, which commands copy: those of small elements may not be. */
function areWhole(runs: readonly Run[], ...places: readonly (keyof Run)[]): boolean {
  return runs.every((run) => places.every((place) => run[place] % 4 === 0));
}

/** Overwrites slices of one axis. */
async function writePart(engine: Engine, native: GpuTensor, part: Tensor, at: SlicePosition): Promise<void> {
  const runs = bytesOfRuns(writtenRuns(native.shape, part.shape, at), native);
  if (!areWhole(runs, 'to', 'length')) {
    const whole = await download(engine, native);
    writeSlices(whole, part, at);
    await scoped(engine, () => writeBytes(engine, native, 0, whole.data, 0, whole.data.byteLength));
    return;
  }
  await scoped(engine, () => {
    for (const { from, to, length } of runs) writeBytes(engine, native, to, part.data, from, length);
  });
}

/** Copies slices of one axis on the device. */
async function take(
  engine: Engine,
  native: GpuTensor,
  axis: number,
  indices: readonly number[],
): Promise<GpuTensor> {
  const { dtype, shape, buffer, offset } = native;
  const wanted = takenShape(shape, axis, indices);
  const runs = bytesOfRuns(takenRuns(shape, axis, indices), native);
  if (!areWhole(runs, 'from', 'to', 'length')) {
    const [whole, taken] = [await download(engine, native), zeros(dtype, wanted)];
    const [given, bytes] = [new Uint8Array(whole.data.buffer), new Uint8Array(taken.data.buffer)];
    for (const { from, to, length } of runs) bytes.set(given.subarray(from, from + length), to);
    return scoped(engine, () => {
      const target = createTensor(engine, dtype, wanted);
      writeBytes(engine, target, 0, taken.data, 0, taken.data.byteLength);
      return target;
    });
  }
  return scoped(engine, () => {
    const { device } = engine;
    const target = createTensor(engine, dtype, wanted);
    const encoder = device.createCommandEncoder();
    for (const { from, to, length } of runs) {
      encoder.copyBufferToBuffer(buffer, offset + from, target.buffer, to, length);
    }
    device.queue.submit([encoder.finish()]);
    return target;
  });
}

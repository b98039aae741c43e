import type { Gpu, GpuLibrary, GpuResult, WebGpuContext } from './gpu-library.ts';
import { splice } from './copies.ts';
import { type Engine, type Slab, eachPiece } from './engine.ts';
import { launcher } from './launcher.ts';

type BufferResult = GpuResult & { readonly buffer: GPUBuffer };

// The constants of the WebGPU specification; their globals are missing in Node.
const MAP_READ = 0x01;
const COPY_SRC = 0x04;
const COPY_DST = 0x08;
const STORAGE = 0x80;

/** WebGPU: arrays are buffers of the device that all gpu.js instances share. */
export function webgpuEngine(library: GpuLibrary, gpu: Gpu, context: WebGpuContext): Engine<BufferResult> {
  const { device } = context;
  const { vendor, architecture, description, isFallbackAdapter } = context.adapter.info;
  const { maxStorageBufferBindingSize, maxBufferSize } = device.limits;
  const launch = launcher<BufferResult>({
    gpu,
    mode: 'webgpu',
    kernelClass: library.WebGPUKernel,
    arrayType: 'WebGPUBuffer',
    argument: (array) => array,
  });

  const upload = async (data: Float32Array): Promise<BufferResult> => {
    const buffer = device.createBuffer({ size: data.byteLength, usage: STORAGE | COPY_SRC | COPY_DST });
    device.queue.writeBuffer(buffer, 0, data as Float32Array<ArrayBuffer>);
    return new library.WebGPUBufferResult({ buffer, output: [data.length], context, kernel: null });
  };

  const overwriteInPlace = (array: BufferResult, part: Float32Array, at: Slab): BufferResult => {
    eachPiece(at, (from, to, elements) => {
      if (elements === 0) return;
      device.queue.writeBuffer(array.buffer, 4 * to, part as Float32Array<ArrayBuffer>, from, elements);
    });
    return array;
  };

  /** Results of gpu.js's programs cannot be written: they lack COPY_DST. */
  const overwriteCopy = async (array: BufferResult, part: Float32Array, at: Slab): Promise<BufferResult> => {
    const source = await upload(part);
    const result = await launch(splice, [at.inner, at.length, at.outer], {
      ...at,
      data: array,
      part: source,
    });
    source.delete();
    array.delete();
    return result as BufferResult;
  };

  return {
    device: `gpu.js webgpu, ${[vendor, architecture, description].filter(Boolean).join(' ') || 'unnamed adapter'}`,
    software: isFallbackAdapter,
    maximumElements: Math.floor(Math.min(maxStorageBufferBindingSize, maxBufferSize) / 4),
    longestLaunch: Infinity,
    // The maxComputeWorkgroupsPerDimension that every WebGPU supports.
    maximumLayers: 65_535,
    upload,
    download: (array, length) => read(device, array.buffer, length),
    overwrite: async (array, part, at) =>
      array.buffer.usage & COPY_DST ? overwriteInPlace(array, part, at) : overwriteCopy(array, part, at),
    free: (array) => array.delete(),
    launch: async (program, output, values) => (await launch(program, output, values)) as BufferResult,
    settle: () => device.queue.onSubmittedWorkDone().then(() => undefined),
    dispose: () => gpu.destroy(),
  };
}

async function read(device: GPUDevice, buffer: GPUBuffer, length: number): Promise<Float32Array> {
  const staging = device.createBuffer({ size: 4 * length, usage: MAP_READ | COPY_DST });
  try {
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(buffer, 0, staging, 0, 4 * length);
    device.queue.submit([encoder.finish()]);
    await staging.mapAsync(MAP_READ);
    return new Float32Array(staging.getMappedRange().slice(0));
  } finally {
    staging.destroy();
  }
}

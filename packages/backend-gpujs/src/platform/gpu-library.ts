import { HeedError } from '@heed/core';

/**
 * The part of gpu.js that this package uses, in gpu.js's terms: elsewhere in this package its kernels are programs. Its
 * own declarations lack WebGPU results and the static members that report which kernels a machine has.
 */
export interface GpuLibrary {
  readonly GPU: new (settings: { readonly mode: string }) => Gpu;
  readonly WebGPUContext: { acquire(): Promise<WebGpuContext> };
  readonly WebGPUBufferResult: new (
    settings: BufferResultSettings,
  ) => GpuResult & { readonly buffer: GPUBuffer };
  readonly CPUKernel: KernelClass;
  readonly WebAssemblyKernel: KernelClass & {
    readonly isSIMDSupported: boolean;
    readonly isThreadsSupported: boolean;
  };
  readonly WebGPUKernel: KernelClass;
  readonly WebGL2Kernel: KernelClass;
  readonly WebGLKernel: KernelClass;
  readonly HeadlessGLKernel: KernelClass;
  readonly utils: { flattenTo(nested: NestedNumbers, target: Float32Array): void };
  input(data: Float32Array, size: readonly number[]): unknown;
}

export interface KernelClass {
  readonly isSupported: boolean;
  readonly features: { readonly maxTextureSize: number } | null;
}

/** One gpu.js instance: a mode, and the kernels made in it. */
export interface Gpu {
  readonly context: unknown;
  createKernel(source: string, settings: KernelSettings): GpuKernel;
  destroy(): Promise<void>;
}

export interface KernelSettings {
  readonly argumentTypes: readonly string[];
  readonly output: readonly number[];
  readonly [setting: string]: unknown;
}

/** Return value of a kernel in gpu.js's pipeline mode: a result that stays on the device. */
export interface GpuResult {
  toArray(): NestedNumbers | Promise<NestedNumbers>;
  delete(): void;
}

/** gpu.js shapes results as arrays of arrays, the last axis a Float32Array. */
export type NestedNumbers = Float32Array | readonly NestedNumbers[];

export interface GpuKernel {
  (...values: readonly unknown[]): unknown;
  setOutput(output: readonly number[]): unknown;
  /** The kernel that currently runs; it changes after a fallback. */
  readonly kernel: { readonly fallbackReason: string | null; readonly constructor: unknown };
}

export interface WebGpuContext {
  readonly adapter: GPUAdapter;
  readonly device: GPUDevice;
}

interface BufferResultSettings {
  readonly buffer: GPUBuffer;
  readonly output: readonly number[];
  readonly context: WebGpuContext;
  readonly kernel: null;
}

/**
 * Loads gpu.js at the first call.
 *
 * @throws HeedError `UNAVAILABLE` if it is not installed or does not load.
 */
export async function loadLibrary(): Promise<GpuLibrary> {
  try {
    const loaded = (await import('gpu.js')) as unknown as { default?: GpuLibrary };
    // CommonJS: Node gives its exports as the default, bundlers the class GPU with the exports attached to it.
    return loaded.default ?? (loaded as unknown as GpuLibrary);
  } catch (cause) {
    throw new HeedError('UNAVAILABLE', whyNot(cause as NodeJS.ErrnoException), {
      remedy: 'npm install gpu.js',
      cause,
    });
  }
}

function whyNot({ code, message }: NodeJS.ErrnoException): string {
  const isAbsent = code === 'ERR_MODULE_NOT_FOUND' && message.includes("'gpu.js'");
  return isAbsent ? 'gpu.js is not installed' : `gpu.js does not load: ${message}`;
}

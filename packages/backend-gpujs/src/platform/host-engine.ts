import { nextTurn } from '@heed/core/backend';
import type { Gpu, GpuLibrary, KernelClass, NestedNumbers } from './gpu-library.ts';
import { sizeOf } from '@heed/core/backend';
import { type Engine, eachPiece } from './engine.ts';
import { launcher } from './launcher.ts';

export interface HostEngineOptions {
  readonly library: GpuLibrary;
  readonly gpu: Gpu;
  readonly mode: 'webasm' | 'cpu';
  readonly kernelClass: KernelClass;
  readonly device: string;
  readonly settings?: Readonly<Record<string, unknown>>;
}

/**
 * 1 GiB in JavaScript. In WebAssembly 2²⁴ elements: gpu.js makes integer variables of its SIMD code float32, which
 * is exact only up to 2²⁴.
 */
const MAXIMUM_ELEMENTS = { cpu: 2 ** 28, webasm: 2 ** 24 };

/**
 * About 35 ms at 2 ns for a multiplication. A tile of this size has 1 MiB of scores at D = 64: far less than the N² of
 * long sequences, and with two heads or twelve about as fast as 16 MiB.
 */
const LONGEST_LAUNCH = 2 ** 24;

/** The modes without a GPU: arrays are Float32Arrays of the JavaScript heap. */
export function hostEngine(options: HostEngineOptions): Engine<Float32Array> {
  const { library, gpu, device } = options;
  const launch = launcher<Float32Array>({
    ...options,
    arrayType: 'Input',
    argument: (array) => library.input(array, [array.length]),
  });
  return {
    device,
    software: false,
    maximumElements: MAXIMUM_ELEMENTS[options.mode],
    longestLaunch: LONGEST_LAUNCH,
    maximumLayers: Infinity,
    upload: async (data) => data.slice(),
    download: async (array, length) => array.slice(0, length),
    async overwrite(array, part, at) {
      eachPiece(at, (from, to, elements) => array.set(part.subarray(from, from + elements), to));
      return array;
    },
    copyRows(target, source, { stride, length }, to) {
      for (let row = 0; row * stride < source.length; row++) {
        target.set(source.subarray(row * stride, row * stride + length), to(row));
      }
    },
    free: () => undefined,
    launch: async (program, output, values) =>
      flatten(library, (await launch(program, output, values)) as NestedNumbers, output),
    settle: nextTurn,
    dispose: () => gpu.destroy(),
  };
}

/** Flattens the arrays of rows that gpu.js returns, which programs here do not take. */
export function flatten(library: GpuLibrary, nested: NestedNumbers, output: readonly number[]): Float32Array {
  if (nested instanceof Float32Array) return nested;
  const flat = new Float32Array(sizeOf(output));
  library.utils.flattenTo(nested, flat);
  return flat;
}

import type { DType, Tensor } from '@heed/core';
import {
  type DeviceMemory,
  ELEMENT_BYTES,
  type NativeTensor,
  sizeOf,
  takenRuns,
  takenShape,
  writeSlices,
} from '@heed/core/backend';
import type { Block, Heap } from './heap.ts';

/** A tensor in WebAssembly memory. Core frees it when the last run that computes with it has ended. */
export interface WasmTensor extends NativeTensor, Block {}

/**
 * A tensor of arbitrary numbers.
 *
 * @throws HeedError `OUT_OF_MEMORY`.
 */
export function allocateTensor(heap: Heap, dtype: DType, shape: readonly number[]): WasmTensor {
  const length = sizeOf(shape);
  const address = heap.allocate(length * ELEMENT_BYTES[dtype]);
  return { dtype, shape: [...shape], length, address };
}

/** The heap as memory for resident tensors: written and read in place. */
export function wasmMemory(heap: Heap): DeviceMemory<WasmTensor> {
  return {
    upload({ dtype, shape, data }) {
      const tensor = allocateTensor(heap, dtype, shape);
      heap.array(tensor).set(data);
      return tensor;
    },
    download: (tensor) =>
      ({ dtype: tensor.dtype, shape: [...tensor.shape], data: heap.array(tensor).slice() }) as Tensor,
    write(tensor, part, at) {
      writeSlices({ shape: tensor.shape, data: heap.array(tensor) }, part, at);
      return tensor;
    },
    free: ({ address }) => heap.free(address),
    allocate(dtype, shape) {
      const tensor = allocateTensor(heap, dtype, shape);
      heap.array(tensor).fill(0);
      return tensor;
    },
    take(tensor, axis, indices) {
      const { dtype, shape } = tensor;
      const taken = allocateTensor(heap, dtype, takenShape(shape, axis, indices));
      const [source, target] = [heap.array(tensor), heap.array(taken)];
      for (const { from, to, length } of takenRuns(shape, axis, indices)) {
        target.set(source.subarray(from, from + length), to);
      }
      return taken;
    },
  };
}

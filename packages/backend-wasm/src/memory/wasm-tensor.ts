import type { DType, Tensor } from '@heed/core';
import { type DeviceMemory, ELEMENT_BYTES, type NativeTensor, sizeOf, writeSlices } from '@heed/core/backend';
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
  };
}

import type { DType, Tensor } from '@heed/core';
import type { DeviceMemory, NativeTensor } from '@heed/core/backend';
import type { Block, Heap } from './heap.ts';

/** A tensor in WebAssembly memory. Core frees it when the last run that computes with it has ended. */
export interface WasmTensor extends NativeTensor, Block {}

const BYTES: Readonly<Record<DType, number>> = { float32: 4, float64: 8, int32: 4, bool: 1 };

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((size, length) => size * length, 1);
}

/**
 * A tensor of arbitrary numbers.
 *
 * @throws HeedError `OUT_OF_MEMORY`.
 */
export function allocateTensor(heap: Heap, dtype: DType, shape: readonly number[]): WasmTensor {
  const length = sizeOf(shape);
  const address = heap.allocate(length * BYTES[dtype]);
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
    write(tensor, part, { axis, start }) {
      const inner = sizeOf(tensor.shape.slice(axis + 1));
      const outer = sizeOf(tensor.shape.slice(0, axis));
      const count = part.shape[axis]! * inner;
      const target = heap.array(tensor);
      for (let o = 0; o < outer; o++) {
        target.set(part.data.subarray(o * count, (o + 1) * count), (o * tensor.shape[axis]! + start) * inner);
      }
      return tensor;
    },
    free: ({ address }) => heap.free(address),
  };
}

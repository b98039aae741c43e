import type { DType, Tensor } from '@heed/core';
import type { Heap } from './heap.ts';
import { type WasmTensor, allocateTensor, wasmMemory } from './wasm-tensor.ts';

/** Memory for the time of one piece of work. */
export interface Blocks {
  allocate(bytes: number): number;
  copyOf(tensor: Tensor): WasmTensor;
}

/** Runs work and frees what it has allocated, also when it fails. */
export async function withBlocks<T>(heap: Heap, work: (blocks: Blocks) => Promise<T>): Promise<T> {
  const addresses: number[] = [];
  try {
    return await work({
      allocate(bytes) {
        const address = heap.allocate(bytes);
        addresses.push(address);
        return address;
      },
      copyOf(tensor) {
        const copy = wasmMemory(heap).upload(tensor) as WasmTensor;
        addresses.push(copy.address);
        return copy;
      },
    });
  } finally {
    for (const address of addresses) heap.free(address);
  }
}

/** Allocates tensors for work to fill, and frees them only if it fails. */
export async function filledBy<K extends string>(
  heap: Heap,
  forms: Readonly<Record<K, { readonly dtype: DType; readonly shape: readonly number[] }>>,
  work: (tensors: Readonly<Record<K, WasmTensor>>) => Promise<void>,
): Promise<Record<K, WasmTensor>> {
  const tensors = {} as Record<K, WasmTensor>;
  try {
    for (const name of Object.keys(forms) as K[]) {
      tensors[name] = allocateTensor(heap, forms[name].dtype, forms[name].shape);
    }
    await work(tensors);
    return tensors;
  } catch (error) {
    for (const { address } of Object.values<WasmTensor>(tensors)) heap.free(address);
    throw error;
  }
}

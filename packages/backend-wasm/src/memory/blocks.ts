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

/** Runs work and frees the tensors that it keeps only if it fails. */
export async function keeping<T>(
  heap: Heap,
  work: (keep: (tensor: WasmTensor) => WasmTensor) => T | Promise<T>,
): Promise<T> {
  const kept: WasmTensor[] = [];
  try {
    return await work((tensor) => {
      kept.push(tensor);
      return tensor;
    });
  } catch (error) {
    for (const { address } of kept) heap.free(address);
    throw error;
  }
}

/** Types and shapes of tensors, by name. */
export type Forms<K extends string> = Readonly<
  Record<K, { readonly dtype: DType; readonly shape: readonly number[] }>
>;

/** Allocates tensors for work to fill, and frees them only if it fails. */
export function filledBy<K extends string>(
  heap: Heap,
  forms: Forms<K>,
  work: (tensors: Readonly<Record<K, WasmTensor>>) => Promise<void>,
): Promise<Record<K, WasmTensor>> {
  return keeping(heap, async (keep) => {
    const tensors = {} as Record<K, WasmTensor>;
    for (const name of Object.keys(forms) as K[]) {
      tensors[name] = keep(allocateTensor(heap, forms[name].dtype, forms[name].shape));
    }
    await work(tensors);
    return tensors;
  });
}

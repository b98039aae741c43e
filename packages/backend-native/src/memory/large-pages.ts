import type { DType, Tensor } from '@heed/core';
import { type DeviceMemory, hostMemory, zeros } from '@heed/core/backend';
import type { Binding } from '../platform/binding.ts';

/** Bytes from which on a resident tensor is worth large pages: two of x64's. */
const LARGE_BYTES = 2 ** 22;

/**
 * Memory of resident tensors: the host's, in large pages where the system has them. A decoding step reads a whole cache once, and
 * pages of 4 KB take longer to find than to read.
 */
export function largePages(binding: Binding): DeviceMemory<Tensor> {
  const allocate = (dtype: DType, shape: readonly number[]): Tensor => {
    const tensor = zeros(dtype, shape);
    if (tensor.data.byteLength >= LARGE_BYTES) binding.preferLargePages(tensor.data.buffer as ArrayBuffer);
    return tensor;
  };
  return {
    ...hostMemory,
    allocate,
    upload({ dtype, shape, data }) {
      const copy = allocate(dtype, shape);
      copy.data.set(data);
      return copy;
    },
  };
}

import type { DType, Tensor } from '@heed/core';
import { DATA_ARRAYS, type DeviceMemory, ELEMENT_BYTES, hostMemory, sizeOf, zeros } from '@heed/core/backend';
import type { Binding } from '../platform/binding.ts';
import { FreedBuffers } from './freed-buffers.ts';

/** Bytes from which on a tensor is worth large pages: two of x64's. */
const LARGE_BYTES = 2 ** 22;

/** The host's memory for tensors, in large pages where the system has them, and used again when a resident tensor was freed. */
export class Memory {
  readonly #binding: Binding;
  readonly #freed = new FreedBuffers();

  constructor(binding: Binding) {
    this.#binding = binding;
  }

  /** A tensor of zeros. A decoding step reads a whole cache once, and pages of 4 KB take longer to find than to read. */
  zeros(dtype: DType, shape: readonly number[]): Tensor {
    const used = this.#used(dtype, shape);
    used?.data.fill(0);
    return used ?? this.#fresh(dtype, shape);
  }

  /** A tensor with any content, for who writes all of it. */
  blank(dtype: DType, shape: readonly number[]): Tensor {
    return this.#used(dtype, shape) ?? this.#fresh(dtype, shape);
  }

  /** Takes the memory of a tensor that nobody reads any more. */
  free({ data }: Pick<Tensor, 'data'>): void {
    this.#freed.give(data);
  }

  /** Memory of resident tensors. */
  get resident(): DeviceMemory<Tensor> {
    return {
      ...hostMemory,
      allocate: (dtype, shape) => this.zeros(dtype, shape),
      upload: ({ dtype, shape, data }) => {
        const copy = this.blank(dtype, shape);
        copy.data.set(data);
        return copy;
      },
      free: (tensor) => this.free(tensor),
    };
  }

  #used(dtype: DType, shape: readonly number[]): Tensor | null {
    const buffer = this.#freed.take(sizeOf(shape) * ELEMENT_BYTES[dtype]);
    return buffer && ({ dtype, shape: [...shape], data: new DATA_ARRAYS[dtype](buffer) } as Tensor);
  }

  #fresh(dtype: DType, shape: readonly number[]): Tensor {
    const tensor = zeros(dtype, shape);
    if (tensor.data.byteLength >= LARGE_BYTES) {
      this.#binding.preferLargePages(tensor.data.buffer as ArrayBuffer);
    }
    return tensor;
  }
}

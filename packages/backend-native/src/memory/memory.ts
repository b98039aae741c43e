import { Buffer, constants } from 'node:buffer';
import type { DType, Tensor } from '@heed/core';
import { DATA_ARRAYS, type DeviceMemory, ELEMENT_BYTES, hostMemory, sizeOf, zeros } from '@heed/core/backend';
import type { Binding } from '../platform/binding.ts';
import { Runs } from '../platform/runs.ts';
import { FreedBuffers } from './freed-buffers.ts';

/** Bytes from which on a tensor is worth large pages: two of x64's. */
const LARGE_BYTES = 2 ** 22;

/** Bytes from which on memory that is not filled with zeros is worth its while. */
const BLANK_BYTES = 2 ** 12;

/** The host's memory for tensors, in large pages where the system has them, and used again when a resident tensor was freed. */
export class Memory {
  readonly #binding: Binding;
  readonly #freed = new FreedBuffers();
  readonly runs: Runs = new Runs();

  constructor(binding: Binding) {
    this.#binding = binding;
  }

  /** A tensor of zeros. A decoding step reads a whole cache once, and pages of 4 KB take longer to find than to read. */
  zeros(dtype: DType, shape: readonly number[]): Tensor {
    const used = this.#unused(dtype, shape);
    used?.data.fill(0);
    return used ?? this.#inLargePages(zeros(dtype, shape));
  }

  /**
   * A tensor with any content, for JavaScript that writes all of it. V8 fills new memory with zeros, which takes up to a tenth of the time of short
   * work; memory of a Buffer is as it was.
   */
  blank(dtype: DType, shape: readonly number[]): Tensor {
    return this.#unused(dtype, shape) ?? this.#fresh(dtype, shape);
  }

  /** The same for a run that writes all of it: runs before it may still read the memory. */
  result(dtype: DType, shape: readonly number[]): Tensor {
    const buffer = this.#freed.take(sizeOf(shape) * ELEMENT_BYTES[dtype]);
    return buffer === null ? this.#fresh(dtype, shape) : over(buffer, dtype, shape);
  }

  #fresh(dtype: DType, shape: readonly number[]): Tensor {
    const bytes = sizeOf(shape) * ELEMENT_BYTES[dtype];
    // A small Buffer is created more slowly than a typed array, and Node 20 has none above 4 GB.
    if (bytes < BLANK_BYTES || bytes > constants.MAX_LENGTH) return this.#inLargePages(zeros(dtype, shape));
    return this.#inLargePages(over(Buffer.allocUnsafeSlow(bytes).buffer, dtype, shape));
  }

  /** Takes the memory of a tensor that nobody reads any more. */
  free({ data }: Pick<Tensor, 'data'>): void {
    this.#freed.give(data);
  }

  /** Memory of resident tensors. */
  get resident(): DeviceMemory<Tensor> {
    const { runs } = this;
    return {
      isHost: true,
      allocate: (dtype, shape) => runs.own(this.zeros(dtype, shape)),
      upload: ({ dtype, shape, data }) => {
        const copy = this.blank(dtype, shape);
        copy.data.set(data);
        return runs.own(copy);
      },
      download: (tensor) => after(runs.readable([tensor]), () => hostMemory.download(tensor) as Tensor),
      write: (tensor, part, at) =>
        after(runs.writable(tensor), () => hostMemory.write(tensor, part, at) as Tensor),
      take: (tensor, axis, indices) =>
        after(runs.readable([tensor]), () => runs.own(hostMemory.take!(tensor, axis, indices) as Tensor)),
      free: (tensor) => this.free(tensor),
    };
  }

  /** Used memory that JavaScript may write to at once. */
  #unused(dtype: DType, shape: readonly number[]): Tensor | null {
    const bytes = sizeOf(shape) * ELEMENT_BYTES[dtype];
    const buffer = this.#freed.take(bytes, (one) => !this.runs.isUsed(one));
    return buffer && over(buffer, dtype, shape);
  }

  #inLargePages(tensor: Tensor): Tensor {
    if (tensor.data.byteLength >= LARGE_BYTES) {
      this.#binding.preferLargePages(tensor.data.buffer as ArrayBuffer);
    }
    return tensor;
  }
}

function over(buffer: ArrayBuffer, dtype: DType, shape: readonly number[]): Tensor {
  return { dtype, shape: [...shape], data: new DATA_ARRAYS[dtype](buffer) } as Tensor;
}

function after(waiting: Promise<void> | undefined, work: () => Tensor): Tensor | Promise<Tensor> {
  return waiting === undefined ? work() : waiting.then(work);
}

import { type DType, HeedError, type Tensor } from '@heed/core';
import { DATA_ARRAYS } from '@heed/core/backend';
import { FreeList } from './free-list.ts';

const PAGE_BYTES = 65_536;
/** 4 GiB, all that 32-bit addresses reach. */
const MAXIMUM_PAGES = 65_536;

/** A piece of a heap that holds numbers. */
export interface Block {
  readonly address: number;
  readonly dtype: DType;
  readonly length: number;
}

/**
 * The memory of a backend, which its kernels compute on, and its list of free blocks. It grows on demand and reuses
 * what is freed. Views of it must not be kept: when memory that is not shared grows, they are gone.
 */
export class Heap {
  readonly memory: WebAssembly.Memory;
  readonly shared: boolean;
  private readonly blocks: FreeList;
  private readonly maximumBytes: number;
  /** Addresses below it are usable. */
  private end = 0;

  /**
   * @param maximumPages of 64 KiB; less than 65,536 where tests want to see the end of it.
   * @throws HeedError `UNAVAILABLE` without address space for it.
   */
  constructor(shared: boolean, maximumPages: number = MAXIMUM_PAGES) {
    this.shared = shared;
    this.memory = newMemory(shared, maximumPages);
    // Address 0 stays free, so that it can mean "none".
    this.blocks = new FreeList(1);
    // Kernels may read a little beyond a block, and an end of 4 GiB would be address 0.
    this.maximumBytes = (maximumPages - 1) * PAGE_BYTES;
  }

  /** Bytes in use. */
  get bytesTaken(): number {
    return this.blocks.bytesTaken;
  }

  /**
   * The address of a new block, aligned to 64 bytes, its contents arbitrary.
   *
   * @throws HeedError `OUT_OF_MEMORY`.
   */
  allocate(bytes: number): number {
    const end = this.blocks.endNeeded(bytes);
    if (end > this.maximumBytes) throw this.outOfMemory(bytes);
    this.growTo(end, bytes);
    return this.blocks.take(bytes)!;
  }

  free(address: number): void {
    this.blocks.give(address);
  }

  /** The numbers of a block, to be used before memory grows again. */
  array({ address, dtype, length }: Block): Tensor['data'] {
    return new DATA_ARRAYS[dtype](this.memory.buffer, address, length);
  }

  view(): DataView {
    return new DataView(this.memory.buffer);
  }

  /** Makes addresses below `end` usable. Grows by an eighth at least, since growing is expensive. */
  private growTo(end: number, asked: number): void {
    if (end <= this.end) return;
    const { byteLength } = this.memory.buffer;
    const needed = end + PAGE_BYTES - byteLength;
    if (needed > 0) {
      const ample = Math.min(byteLength / 8, this.maximumBytes + PAGE_BYTES - byteLength);
      const grown = this.tryToGrow(Math.max(needed, ample)) || this.tryToGrow(needed);
      if (!grown) throw this.outOfMemory(asked);
    }
    this.end = this.memory.buffer.byteLength - PAGE_BYTES;
    this.blocks.extend(this.end);
  }

  private tryToGrow(bytes: number): boolean {
    try {
      this.memory.grow(Math.ceil(bytes / PAGE_BYTES));
      return true;
    } catch {
      return false;
    }
  }

  private outOfMemory(bytes: number): HeedError {
    return new HeedError(
      'OUT_OF_MEMORY',
      `cannot allocate ${bytes} bytes: ${this.bytesTaken} of ${this.maximumBytes} bytes of WebAssembly memory in use`,
      { remedy: 'dispose resident tensors, do not ask for weights, or split the batch' },
    );
  }
}

/**
 * Returns whether the process has address space for a memory. Engines reserve 8 GiB or more for one of any size, which
 * spares them checking each access.
 */
export function hasAddressSpace(): boolean {
  try {
    newMemory(false, MAXIMUM_PAGES);
    return true;
  } catch {
    return false;
  }
}

/** Remedy if {@link hasAddressSpace} returns false. */
export const ADDRESS_SPACE_REMEDY =
  'raise the limit of address space (ulimit -v), start Node with --disable-wasm-trap-handler, dispose backends that are not used, or use @heed/backend-ts';

/** Shared memory is reserved at once, and not every system gives 4 GiB. */
function newMemory(shared: boolean, maximumPages: number): WebAssembly.Memory {
  for (let maximum = maximumPages; ; maximum = Math.ceil(maximum / 2)) {
    try {
      return new WebAssembly.Memory({ initial: 1, maximum, shared });
    } catch (cause) {
      if (shared && maximum >= 1024) continue;
      throw new HeedError('UNAVAILABLE', 'wasm: no address space for WebAssembly memory', {
        remedy: ADDRESS_SPACE_REMEDY,
        cause,
      });
    }
  }
}

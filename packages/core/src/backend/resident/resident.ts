import { HeedError } from '../../error.ts';
import { checkOptions } from '../../options/check-options.ts';
import {
  type DType,
  type PerBatch,
  type PlainTensorLike,
  type ResidentTensor,
  type SlotPosition,
  type Tensor,
  isResident,
} from '../../tensor.ts';
import { type Ending, endWhenCollected, forget } from '../collected.ts';
import type { Lifetime } from '../lifetime.ts';
import { type DeviceMemory, type NativeTensor, take } from '../memory.ts';
import {
  type ReadOptions,
  type WriteOptions,
  checkIndices,
  checkRead,
  checkReorder,
  checkView,
  checkWrite,
  partOf,
} from './check.ts';
import { checkSlots } from './slots.ts';
import { type Content, Storage } from './storage.ts';
import { View } from './view.ts';

/**
 * Identity by which a backend recognizes its own resident tensors. Everything that can use the backend holds it, and
 * what must be freed does not, so it is collected when the backend is unreachable.
 */
export interface Owner {
  readonly life: Lifetime;
  /** Shares of the resident tensors that have not been disposed. */
  readonly leases: Set<Lease>;
}

const TOLD =
  'a resident tensor was dropped without dispose(); its memory was freed late, when it was collected: call dispose() when nothing needs it any more';

/** The share of one resident tensor, which ends once. Does not reference the tensor. */
class Lease<N extends NativeTensor = NativeTensor> implements Ending {
  readonly told: string = TOLD;
  readonly content: Content<N>;
  readonly #all: Set<Lease>;

  constructor(content: Content<N>, all: Set<Lease>) {
    this.content = content;
    this.#all = all;
    all.add(this as never);
  }

  get isOver(): boolean {
    return !this.#all.has(this as never);
  }

  end(): void {
    if (!this.#all.delete(this as never)) return;
    forget(this);
    this.content.release();
  }
}

/** A resident tensor. Frozen, so that libraries of reactive state do not wrap it: a proxy would be another object. */
class Resident<N extends NativeTensor> implements ResidentTensor {
  readonly resident = true;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly #lease: Lease<N>;
  readonly #memory: DeviceMemory<N>;
  readonly #owner: Owner;

  constructor(content: Content<N>, memory: DeviceMemory<N>, owner: Owner) {
    this.dtype = content.native.dtype;
    this.shape = Object.freeze([...content.native.shape]);
    this.#memory = memory;
    this.#owner = owner;
    this.#lease = new Lease(content, owner.leases);
    endWhenCollected(this, this.#lease);
    Object.freeze(this);
  }

  static isOf<M extends NativeTensor>(value: object, owner: Owner): value is Resident<M> {
    return #lease in value && value.#owner === owner;
  }

  static contentOf(value: object): Content<NativeTensor> | null {
    return #lease in value ? (value as Resident<NativeTensor>).content : null;
  }

  /** @throws HeedError `DISPOSED`. */
  get content(): Content<N> {
    if (!this.#lease.isOver) return this.#lease.content;
    throw new HeedError('DISPOSED', 'the resident tensor was used after dispose()', {
      clause: 'resident',
      remedy: 'dispose it when nothing uses it any more',
    });
  }

  write(given: PlainTensorLike, options: WriteOptions | SlotPosition): Promise<void> {
    return this.#owner.life.during(async () => {
      const { content } = this;
      if (typeof options === 'object' && options !== null && 'slots' in options) {
        const rows = checkSlots(this, partOf(this, given), options);
        if (content.scatter === undefined) throw heldTensor('write()');
        return content.scatter(rows);
      }
      const { part, at } = checkWrite(this, given, options);
      if (content.write === undefined) throw heldTensor('write()');
      return content.write(part, at);
    });
  }

  reorder(given: PerBatch): Promise<void> {
    return this.#owner.life.during(async () => {
      const { content } = this;
      const indices = checkReorder(this, given);
      if (content.reorder === undefined) throw heldTensor('reorder()');
      return content.reorder(indices);
    });
  }

  read(options?: ReadOptions): Promise<Tensor> {
    return this.#during(async (native) => {
      if (options === undefined) return this.#memory.download(native);
      const indices = checkRead(this, options);
      const part = await take(this.#memory, native, options.axis, indices);
      try {
        return await this.#memory.download(part);
      } finally {
        this.#memory.free(part);
      }
    });
  }

  gather(given: PerBatch, options: { readonly axis?: number } = {}): Promise<ResidentTensor> {
    return this.#during(async (native) => {
      checkOptions('gather()', options, { axis: true });
      const { axis = 0 } = options;
      return this.#taken(native, axis, checkIndices(this, axis, given));
    });
  }

  copy(): Promise<ResidentTensor> {
    return this.#during(async (native) => {
      if (this.shape.length > 0) return this.#taken(native, 0, [...Array(this.shape[0]).keys()]);
      return residentOf(
        await this.#memory.upload(await this.#memory.download(native)),
        this.#memory,
        this.#owner,
      );
    });
  }

  async #taken(native: N, axis: number, indices: readonly number[]): Promise<ResidentTensor> {
    return residentOf(await take(this.#memory, native, axis, indices), this.#memory, this.#owner);
  }

  /** Runs work on the content, after the writes so far. */
  #during<T>(work: (native: N) => Promise<T>): Promise<T> {
    return this.#owner.life.during(async () => {
      const hold = this.content.hold();
      try {
        return await work(await hold.whenWritten());
      } finally {
        hold.release();
      }
    });
  }

  view(shape: readonly number[]): ResidentTensor {
    this.#owner.life.check();
    const { content } = this;
    checkView(this, shape);
    return new Resident(new View(content.share(), Object.freeze([...shape])), this.#memory, this.#owner);
  }

  hold(): ResidentTensor {
    this.#owner.life.check();
    return new Resident(this.content.hold(), this.#memory, this.#owner);
  }

  dispose(): void {
    this.#lease.end();
  }
}

function heldTensor(call: string): HeedError {
  return new HeedError('ARGUMENT', `${call} on a held tensor; expected the tensor that it is held of`, {
    clause: 'resident',
    remedy: `call ${call} of the tensor whose hold() made this one`,
  });
}

/** Makes a resident tensor from a native one and takes ownership of it. */
export function residentOf<N extends NativeTensor>(
  native: N,
  memory: DeviceMemory<N>,
  owner: Owner,
): ResidentTensor {
  return new Resident(new Storage(native, memory), memory, owner);
}

/**
 * Returns the content of a resident tensor of this owner.
 *
 * @throws HeedError `FOREIGN_TENSOR` when another owner made it; `DISPOSED`.
 */
export function contentOf<N extends NativeTensor>(value: unknown, owner: Owner): Content<N> {
  if (isResident(value) && Resident.isOf<N>(value, owner)) return value.content;
  throw new HeedError('FOREIGN_TENSOR', 'a resident tensor belongs to another backend', {
    clause: 'resident',
    remedy: 'read() it there and upload() the result here',
  });
}

/** Returns the identity of a tensor: a held tensor and a view have that of their original. */
export function identityOf(value: object): object {
  return Resident.contentOf(value)?.storage ?? value;
}

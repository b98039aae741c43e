import type { Tensor } from '../../tensor.ts';
import type { SlicePosition } from '../../shape.ts';
import { type ScatteredRows, writeRows } from './slots.ts';
import { type DeviceMemory, type NativeTensor, changeView, take } from '../memory.ts';
import { reading } from '../transferred.ts';

/** Shared content of a resident tensor: a storage, a hold or a view. Has no handle, so handles can be collected. */
export interface Content<N extends NativeTensor> {
  /** The storage that owns the memory. */
  readonly storage: Storage<N>;
  /** The current tensor of the engine. */
  readonly native: N;
  hold(): Held<N>;
  /** Returns another share of the same content, which ends separately. */
  share(): Content<N>;
  /** Gives up the share. */
  release(): void;
  /** Absent on a hold, which cannot be written. */
  write?(part: Tensor, at: SlicePosition, shape?: readonly number[]): Promise<void>;
  reorder?(indices: readonly number[], shape?: readonly number[]): Promise<void>;
  scatter?(rows: ScatteredRows): Promise<void>;
}

/** Content that does not change until it is released. */
export interface Held<N extends NativeTensor> extends Content<N> {
  /** Returns the held tensor, after the writes before the hold: at once where there are none. */
  whenWritten(): N | Promise<N>;
}

/** A tensor of the engine, in the order of its uses, freed after the last one. */
export class Storage<N extends NativeTensor> implements Content<N> {
  readonly memory: DeviceMemory<N>;
  #native: N;
  #uses = 1;
  /** The last write; null once it is over. */
  #written: Promise<unknown> | null = null;
  /** Holds since the last write. The next write waits only for these, since the last one has waited for all others. */
  readonly #holds = new Set<Hold<N>>();

  constructor(native: N, memory: DeviceMemory<N>) {
    this.#native = native;
    this.memory = memory;
  }

  get storage(): this {
    return this;
  }

  get native(): N {
    return this.#native;
  }

  share(): this {
    this.#uses++;
    return this;
  }

  /** Keeps the content after the writes so far, whatever is written or released later. */
  hold(): Hold<N> {
    this.#uses++;
    const hold = new Hold(this, this.#written);
    this.#holds.add(hold);
    return hold;
  }

  /** Takes back a hold that has ended. */
  takeBack(hold: Hold<N>): void {
    this.#holds.delete(hold);
    this.release();
  }

  /** Writes, after the writes and holds so far. A write may replace the native tensor. */
  write(part: Tensor, at: SlicePosition, shape?: readonly number[]): Promise<void> {
    return this.#change((native) => reading('part', part, () => this.memory.write(native, part, at)), shape);
  }

  /** Replaces the elements of the first axis by those at `indices`, in the order of writes. */
  reorder(indices: readonly number[], shape?: readonly number[]): Promise<void> {
    return this.#change(async (before) => {
      const after = await take(this.memory, before, 0, indices);
      this.memory.free(before);
      return after;
    }, shape);
  }

  /** Writes rows to their places, in the order of writes. */
  scatter(rows: ScatteredRows): Promise<void> {
    return this.#change((native) => writeRows(this.memory, native, rows), rows.shape);
  }

  /** @param shape of the tensor for this change. Default: its own. */
  async #change(change: (native: N) => N | Promise<N>, shape?: readonly number[]): Promise<void> {
    this.#uses++;
    const before = Promise.all([this.#written, ...[...this.#holds].map((hold) => hold.ended())]);
    this.#holds.clear();
    const inTurn = async (): Promise<void> => {
      await before;
      const native = this.#native;
      this.#native = await (shape === undefined
        ? change(native)
        : changeView(this.memory, native, shape, change));
    };
    const done = inTurn();
    const written = done.catch(() => undefined);
    this.#written = written;
    try {
      await done;
    } finally {
      if (this.#written === written) this.#written = null;
      this.release();
    }
  }

  release(): void {
    if (--this.#uses === 0) this.memory.free(this.#native);
  }
}

/** A storage for one use: the content when the use began. It may be shared; the last share ends it. */
export class Hold<N extends NativeTensor> implements Held<N> {
  readonly storage: Storage<N>;
  readonly #written: Promise<unknown> | null;
  #ended: Promise<void> | null = null;
  #end = (): void => {};
  #shares = 1;

  /** @param written the write before it, if that is under way. */
  constructor(storage: Storage<N>, written: Promise<unknown> | null) {
    this.storage = storage;
    this.#written = written;
  }

  get native(): N {
    return this.storage.native;
  }

  whenWritten(): N | Promise<N> {
    return this.#written === null ? this.storage.native : this.#written.then(() => this.storage.native);
  }

  /** Resolves at its end, which is still to come. */
  ended(): Promise<void> {
    this.#ended ??= new Promise((resolve) => (this.#end = resolve));
    return this.#ended;
  }

  hold(): Hold<N> {
    return this.share();
  }

  share(): this {
    this.#shares++;
    return this;
  }

  release(): void {
    if (--this.#shares > 0) return;
    this.storage.takeBack(this);
    this.#end();
  }
}

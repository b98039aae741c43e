import type { SlicePosition } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { type NativeTensor, viewOf } from '../memory.ts';
import type { ScatteredRows } from './slots.ts';
import type { Content, Held, Storage } from './storage.ts';

/** A share of content with another shape: the engine's view is made anew after a write has replaced its tensor. */
class Reshaped<N extends NativeTensor, C extends Content<N>> {
  protected readonly base: C;
  protected readonly shape: readonly number[];
  #shares = 1;
  #of: N | null = null;
  #view: ReturnType<typeof viewOf<N>> | null = null;

  /** @param base a separate share, which ends with this. */
  constructor(base: C, shape: readonly number[]) {
    this.base = base;
    this.shape = shape;
  }

  get storage(): Storage<N> {
    return this.base.storage;
  }

  get native(): N {
    const { native } = this.base;
    if (this.#of !== native) {
      this.#end();
      this.#view = viewOf(this.storage.memory, native, this.shape);
      this.#of = native;
    }
    return this.#view!.native;
  }

  share(): this {
    this.#shares++;
    return this;
  }

  release(): void {
    if (--this.#shares > 0) return;
    this.#end();
    this.base.release();
  }

  #end(): void {
    this.#view?.release();
    this.#view = null;
    this.#of = null;
  }
}

/** A share of resident content with another shape. A write to either is visible in both. */
export class View<N extends NativeTensor> extends Reshaped<N, Content<N>> implements Content<N> {
  constructor(base: Content<N>, shape: readonly number[]) {
    super(base, shape);
    if (base.write === undefined) return;
    this.write = (part, at, under = shape) => base.write!(part, at, under);
    this.reorder = (indices, under = shape) => base.reorder!(indices, under);
    this.scatter = (rows) => base.scatter!(rows);
  }

  readonly write?: (part: Tensor, at: SlicePosition, shape?: readonly number[]) => Promise<void>;
  readonly reorder?: (indices: readonly number[], shape?: readonly number[]) => Promise<void>;
  readonly scatter?: (rows: ScatteredRows) => Promise<void>;

  hold(): Held<N> {
    return new HeldView(this.base.hold(), this.shape);
  }
}

/** A hold with another shape. */
class HeldView<N extends NativeTensor> extends Reshaped<N, Held<N>> implements Held<N> {
  /** The held tensor is not replaced once its writes have ended. */
  whenWritten(): N | Promise<N> {
    const written = this.base.whenWritten();
    return written instanceof Promise ? written.then(() => this.native) : this.native;
  }

  hold(): this {
    return this.share();
  }
}

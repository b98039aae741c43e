import type { SlicePosition } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { type NativeTensor, viewOf } from '../memory.ts';
import type { ScatteredRows } from './slots.ts';
import type { Content, Held, Storage } from './storage.ts';

/** The engine's tensor with another shape, made anew after a write has replaced it. */
class Reshaped<N extends NativeTensor> {
  readonly #shape: readonly number[];
  #of: N | null = null;
  #view: ReturnType<typeof viewOf<N>> | null = null;

  constructor(shape: readonly number[]) {
    this.#shape = shape;
  }

  of(native: N, { memory }: Storage<N>): N {
    if (this.#of === native) return this.#view!.native;
    this.release();
    this.#view = viewOf(memory, native, this.#shape);
    this.#of = native;
    return this.#view.native;
  }

  release(): void {
    this.#view?.release();
    this.#view = null;
    this.#of = null;
  }
}

/** A share of resident content with another shape. A write to either is visible in both. */
export class View<N extends NativeTensor> implements Content<N> {
  readonly #base: Content<N>;
  readonly #shape: readonly number[];
  readonly #reshaped: Reshaped<N>;
  #shares = 1;

  /** @param base a separate share, which the view releases at its end. */
  constructor(base: Content<N>, shape: readonly number[]) {
    this.#base = base;
    this.#shape = shape;
    this.#reshaped = new Reshaped(shape);
    if (base.write === undefined) return;
    this.write = (part, at, under = shape) => base.write!(part, at, under);
    this.reorder = (indices, under = shape) => base.reorder!(indices, under);
    this.scatter = (rows) => base.scatter!(rows);
  }

  readonly write?: (part: Tensor, at: SlicePosition, shape?: readonly number[]) => Promise<void>;
  readonly reorder?: (indices: readonly number[], shape?: readonly number[]) => Promise<void>;
  readonly scatter?: (rows: ScatteredRows) => Promise<void>;

  get storage(): Storage<N> {
    return this.#base.storage;
  }

  get native(): N {
    return this.#reshaped.of(this.#base.native, this.storage);
  }

  hold(): Held<N> {
    return new HeldView(this.#base.hold(), this.#shape);
  }

  share(): this {
    this.#shares++;
    return this;
  }

  release(): void {
    if (--this.#shares > 0) return;
    this.#reshaped.release();
    this.#base.release();
  }
}

/** A hold with another shape. */
class HeldView<N extends NativeTensor> implements Held<N> {
  readonly #base: Held<N>;
  readonly #reshaped: Reshaped<N>;
  #shares = 1;

  constructor(base: Held<N>, shape: readonly number[]) {
    this.#base = base;
    this.#reshaped = new Reshaped(shape);
  }

  get storage(): Storage<N> {
    return this.#base.storage;
  }

  get native(): N {
    return this.#reshaped.of(this.#base.native, this.storage);
  }

  async whenWritten(): Promise<N> {
    return this.#reshaped.of(await this.#base.whenWritten(), this.storage);
  }

  hold(): this {
    return this.share();
  }

  share(): this {
    this.#shares++;
    return this;
  }

  release(): void {
    if (--this.#shares > 0) return;
    this.#reshaped.release();
    this.#base.release();
  }
}

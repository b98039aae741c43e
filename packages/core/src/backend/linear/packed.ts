import { HeedError } from '../../error.ts';
import { shown } from '../../options/shown.ts';
import type { PackedWeights } from '../../linear/contract.ts';
import { type Ending, endWhenCollected, forget } from '../collected.ts';

/** Packed weights without their handle: freed once, when they have ended and no run uses them. */
export class PackedStorage<P extends object> implements Ending {
  readonly told = null;
  readonly #weights: P;
  readonly #free: () => void;
  readonly #all: Set<Ending>;
  #uses = 1;

  constructor(weights: P, free: () => void, all: Set<Ending>) {
    this.#weights = weights;
    this.#free = free;
    this.#all = all;
    all.add(this);
  }

  end(): void {
    if (!this.#all.delete(this)) return;
    forget(this);
    this.#release();
  }

  /** @throws HeedError `DISPOSED`. */
  async during<T>(work: (weights: P) => Promise<T>): Promise<T> {
    if (!this.#all.has(this)) {
      throw new HeedError('DISPOSED', 'packed weights were used after dispose()', {
        clause: 'linear',
        remedy: 'pack them again',
      });
    }
    this.#uses++;
    try {
      return await work(this.#weights);
    } finally {
      this.#release();
    }
  }

  #release(): void {
    if (--this.#uses === 0) this.#free();
  }
}

/** The handle of packed weights. */
export class Packed implements PackedWeights {
  readonly packed = true;
  readonly #storage: PackedStorage<object>;
  readonly #kernel: object;

  /** @param kernel the state that the kernel's methods hold; usable weights keep it alive. */
  constructor(storage: PackedStorage<object>, kernel: object) {
    this.#storage = storage;
    this.#kernel = kernel;
    endWhenCollected(this, storage);
    Object.freeze(this);
  }

  /** @throws HeedError `MISSING_INPUT`; `FOREIGN_TENSOR` for weights that another kernel has packed. */
  static storageOf(value: unknown, kernel: object): PackedStorage<object> {
    if (typeof value === 'object' && value !== null && #storage in value && value.#kernel === kernel) {
      return value.#storage;
    }
    const isPacked = typeof value === 'object' && value !== null && 'packed' in value;
    throw new HeedError(
      isPacked ? 'FOREIGN_TENSOR' : 'MISSING_INPUT',
      `weights ${isPacked ? 'were packed by another kernel' : `are ${shown(value)}`}; expected what pack() of this kernel returned`,
      { clause: 'linear', remedy: 'const weights = await kernel.pack({ weight })' },
    );
  }

  dispose(): void {
    this.#storage.end();
  }
}

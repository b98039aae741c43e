import { type Ending, forget } from './collected.ts';
import { type Lifetime, doAll, lifetime } from './lifetime.ts';

interface Part {
  dispose?(): void | Promise<void>;
}

/**
 * A kernel without its handle, so that the handle can be collected; the kernel then ends. Its parts are objects, not closures: one
 * made beside the kernel's methods would hold all that these hold, and so the handle.
 */
export class KernelEnding implements Ending {
  readonly told = null;
  readonly life: Lifetime;
  readonly #parts: readonly Part[];
  readonly #all: Set<Ending>;

  /**
   * @param parts disposed one after another at the end.
   * @param all has the kernel until then.
   */
  constructor(name: string, parts: readonly Part[], all: Set<Ending>) {
    this.life = lifetime(name);
    this.#parts = parts;
    this.#all = all;
    all.add(this);
  }

  end(): Promise<void> {
    forget(this);
    return this.life.end(async () => {
      this.#all.delete(this);
      await doAll(this.#parts.map((part) => () => part.dispose?.()));
    });
  }
}

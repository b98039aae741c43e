/** Bytes from which on memory is worth keeping. */
const SMALLEST = 2 ** 12;
/** Number of kept buffers; the oldest make room. */
const MAXIMUM = 128;
/** Bytes of buffers that a collection does not free. */
const HELD_BYTES = 2 ** 28;
/** Milliseconds for which they are held, at least; twice as long at most. */
const HELD_FOR = 1000;

interface Kept {
  readonly bytes: number;
  /** The buffer while it is held. */
  held: ArrayBuffer | null;
  /** The buffer from then on. */
  weak: WeakRef<ArrayBuffer> | null;
  /** True from the first turn of the clock on. */
  isOld: boolean;
}

/**
 * Buffers of freed tensors, for the next ones of their size. New memory costs more than many a projection that fills it: the
 * system maps and zeroes each page, and V8 collects garbage for every 64 MB that it has handed out (a batch of MiniLM spent half of
 * its time so). What was freed lately is held, since the next step of a loop takes it, whatever else in the process makes V8 collect
 * (a training step beside another library: 471 to 358 ms); then the reference is weak, and a collection frees what is not in use.
 */
export class FreedBuffers {
  readonly #kept: Kept[] = [];
  #heldBytes = 0;
  #clock: ReturnType<typeof setInterval> | null = null;

  /** Keeps the buffer of numbers that nobody reads any more. */
  give({ buffer, byteLength }: ArrayBufferView): void {
    // Part of a buffer has other users; shared memory does not come from here.
    if (byteLength < SMALLEST || byteLength !== buffer.byteLength || !(buffer instanceof ArrayBuffer)) return;
    if (this.#kept.length === MAXIMUM) this.#remove(0);
    this.#kept.push({ bytes: byteLength, held: buffer, weak: null, isOld: false });
    this.#heldBytes += byteLength;
    for (const kept of this.#kept) {
      if (this.#heldBytes <= HELD_BYTES) break;
      this.#letGo(kept);
    }
    if (this.#clock !== null) return;
    this.#clock = setInterval(() => this.#grow(), HELD_FOR);
    // It keeps no process alive.
    this.#clock.unref();
  }

  /**
   * Returns a kept buffer of a size, with any content; null if there is none.
   *
   * @param mayTake returns whether to take a buffer. Default: any.
   */
  take(bytes: number, mayTake: (buffer: ArrayBuffer) => boolean = () => true): ArrayBuffer | null {
    if (bytes < SMALLEST) return null;
    for (let n = this.#kept.length - 1; n >= 0; n--) {
      const kept = this.#kept[n]!;
      if (kept.bytes !== bytes && kept.held !== null) continue;
      const buffer = kept.held ?? kept.weak!.deref();
      if (buffer !== undefined && (buffer.byteLength !== bytes || !mayTake(buffer))) continue;
      this.#remove(n);
      if (buffer !== undefined) return buffer;
    }
    return null;
  }

  /** A turn of the clock: what was there at the last one is held no longer. */
  #grow(): void {
    for (const kept of this.#kept) {
      if (kept.isOld) this.#letGo(kept);
      kept.isOld = true;
    }
    if (this.#heldBytes > 0) return;
    clearInterval(this.#clock!);
    this.#clock = null;
  }

  #letGo(kept: Kept): void {
    if (kept.held === null) return;
    this.#heldBytes -= kept.bytes;
    kept.weak = new WeakRef(kept.held);
    kept.held = null;
  }

  #remove(n: number): void {
    const [kept] = this.#kept.splice(n, 1) as [Kept];
    if (kept.held !== null) this.#heldBytes -= kept.bytes;
  }
}

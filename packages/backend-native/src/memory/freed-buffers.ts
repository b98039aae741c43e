/** Bytes from which on memory is worth keeping. */
const SMALLEST = 2 ** 12;
/** Number of kept buffers; the oldest make room. */
const MAXIMUM = 128;

/**
 * Buffers of freed tensors, for the next ones of their size. New memory costs more than many a projection that fills it: the
 * system maps and zeroes each page, and V8 collects garbage for every 64 MB that it has handed out (a batch of MiniLM spent half of
 * its time so). The references are weak: a collection frees what is not in use.
 */
export class FreedBuffers {
  readonly #kept: WeakRef<ArrayBuffer>[] = [];

  /** Keeps the buffer of numbers that nobody reads any more. */
  give({ buffer, byteLength }: ArrayBufferView): void {
    // Part of a buffer has other users; shared memory does not come from here.
    if (byteLength < SMALLEST || byteLength !== buffer.byteLength || !(buffer instanceof ArrayBuffer)) return;
    if (this.#kept.length === MAXIMUM) this.#kept.shift();
    this.#kept.push(new WeakRef(buffer));
  }

  /** Returns a kept buffer of a size, with any content; null if there is none. */
  take(bytes: number): ArrayBuffer | null {
    if (bytes < SMALLEST) return null;
    for (let n = this.#kept.length - 1; n >= 0; n--) {
      const buffer = this.#kept[n]!.deref();
      if (buffer !== undefined && buffer.byteLength !== bytes) continue;
      this.#kept.splice(n, 1);
      if (buffer !== undefined) return buffer;
    }
    return null;
  }
}

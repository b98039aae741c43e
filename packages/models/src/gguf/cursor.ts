import { HeedError } from '@heed/core';

/** Refuses a file, naming the clause that it breaks. */
export function refuse(clause: 'header' | 'metadata' | 'tensor' | 'layout', message: string): never {
  throw new HeedError('ARGUMENT', message, {
    clause: `gguf.${clause}`,
    remedy: 'download or write the file again: it is damaged, or not a GGUF file',
  });
}

/** Thrown where the bytes that were read end before the header does. */
export class Incomplete extends Error {
  /** Bytes of the file that the header has at least. */
  readonly needed: number;

  constructor(needed: number) {
    super();
    this.needed = needed;
  }
}

/** Reads little-endian values one behind the other. */
export class Cursor {
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  readonly #size: number;
  readonly #utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  #at = 0;

  /**
   * @param bytes of the beginning of the file.
   * @param size of the whole file, in bytes.
   */
  constructor(bytes: Uint8Array, size: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#size = size;
  }

  get at(): number {
    return this.#at;
  }

  uint8 = (): number => this.#view.getUint8(this.#take(1));
  int8 = (): number => this.#view.getInt8(this.#take(1));
  uint16 = (): number => this.#view.getUint16(this.#take(2), true);
  int16 = (): number => this.#view.getInt16(this.#take(2), true);
  uint32 = (): number => this.#view.getUint32(this.#take(4), true);
  int32 = (): number => this.#view.getInt32(this.#take(4), true);
  float32 = (): number => this.#view.getFloat32(this.#take(4), true);
  float64 = (): number => this.#view.getFloat64(this.#take(8), true);
  uint64 = (): number | bigint => small(this.#view.getBigUint64(this.#take(8), true));
  int64 = (): number | bigint => small(this.#view.getBigInt64(this.#take(8), true));

  boolean = (): boolean => {
    const byte = this.uint8();
    if (byte > 1) refuse('metadata', `a boolean at byte ${this.#at - 1} is ${byte}; expected 0 or 1`);
    return byte === 1;
  };

  /** A count of things of at least `bytes` each that follow. */
  count(bytes: number): number {
    const count = this.uint64();
    if (typeof count === 'bigint') refuse('header', `a count is ${count}, which no file can hold`);
    if (count * bytes > this.#size - this.#at) {
      refuse(
        'header',
        `a count at byte ${this.#at - 8} is ${count}, more than the rest of the file can hold`,
      );
    }
    this.#have(count * bytes);
    return count;
  }

  string = (): string => {
    const length = this.count(1);
    const start = this.#take(length);
    const bytes = this.#bytes.subarray(start, start + length);
    try {
      return this.#utf8.decode(bytes);
    } catch {
      return refuse('metadata', `the string at byte ${start} is not UTF-8`);
    }
  };

  #take(bytes: number): number {
    const start = this.#at;
    if (start + bytes > this.#size) {
      refuse('header', `the file ends at byte ${this.#size}, in the middle of its header`);
    }
    this.#have(bytes);
    this.#at += bytes;
    return start;
  }

  /** @throws Incomplete where fewer bytes were read. */
  #have(bytes: number): void {
    const needed = this.#at + bytes;
    if (needed > this.#bytes.length) throw new Incomplete(needed);
  }
}

/** A number where it is exact. */
function small(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

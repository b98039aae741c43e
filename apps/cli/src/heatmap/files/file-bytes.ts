import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { HeedError } from '@heed/core';

/** Bytes that are read on request: a file may be larger than the largest buffer, or than memory. */
export interface Bytes {
  readonly size: number;
  /**
   * Returns a copy of `length` bytes from `start`, in its own memory.
   *
   * @throws HeedError `ARGUMENT` beyond the end, or when the file cannot be read; `OUT_OF_MEMORY`.
   */
  read(start: number, length: number): Uint8Array<ArrayBuffer>;
}

/** The system reads at most 2 GiB at once. */
const MOST_AT_ONCE = 2 ** 30;

/**
 * The bytes of a file.
 *
 * @throws HeedError `ARGUMENT` when it cannot be read.
 */
export function fileBytes(file: string): Bytes {
  const { size } = reading(file, (descriptor) => fstatSync(descriptor));
  return {
    size,
    read(start, length) {
      const bytes = allocated(length, file);
      reading(file, (descriptor) => {
        for (let at = 0; at < length;) {
          const count = readSync(descriptor, bytes, at, Math.min(length - at, MOST_AT_ONCE), start + at);
          if (count === 0) throw new Error(`it ends at byte ${start + at}`);
          at += count;
        }
      });
      return bytes;
    },
  };
}

/** Returns a part of the bytes, as if it were all. */
export function part(bytes: Bytes, from: number, size: number): Bytes {
  return { size, read: (start, length) => bytes.read(from + start, length) };
}

/** Bytes that are in memory already. */
export function memoryBytes(memory: Uint8Array): Bytes {
  return {
    size: memory.length,
    read(start, length) {
      if (start + length > memory.length) {
        throw new HeedError('ARGUMENT', `byte ${start + length - 1} is past the end`, {
          remedy: 'download or write the file again: it is cut short',
        });
      }
      return new Uint8Array(memory.subarray(start, start + length));
    },
  };
}

function reading<T>(file: string, work: (descriptor: number) => T): T {
  let descriptor: number | null = null;
  try {
    descriptor = openSync(file, 'r');
    return work(descriptor);
  } catch (error) {
    if (HeedError.isInstance(error)) throw error;
    throw new HeedError('ARGUMENT', `${file} cannot be read: ${(error as Error).message}`, {
      cause: error,
      remedy: 'check the path and its permissions',
    });
  } finally {
    if (descriptor !== null) closeSync(descriptor);
  }
}

function allocated(length: number, name: string): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(length);
  } catch (cause) {
    throw new HeedError('OUT_OF_MEMORY', `not enough memory for ${length} bytes of ${name}`, {
      cause,
      remedy: 'draw a part of it, with --layer, --batch and --head',
    });
  }
}

import type * as FileSystem from 'node:fs/promises';
import { HeedError } from '@heed/core';
import { errorAt } from './place.ts';

/** The largest case file, in bytes of text after decompression. */
export const MAX_FILE_BYTES: number = 32 * 2 ** 20;

/**
 * The text of a file (a path, a `file:` address) or of a web address, unpacked when it is gzip: told by its first
 * bytes, since some servers unpack `.gz` on the way.
 *
 * @param name for errors.
 * @throws HeedError `ARGUMENT` when it cannot be read, is damaged gzip, or is over {@link MAX_FILE_BYTES};
 * `UNAVAILABLE` for a file where there is no file system.
 */
export async function readText(location: string | URL, name: string): Promise<string> {
  const isFile = typeof location === 'string' || location.protocol === 'file:';
  const bytes = await reading(name, () => (isFile ? readLocalFile(location, name) : download(location)));
  const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
  return new TextDecoder().decode(isGzip ? await reading(name, () => unpack(bytes, name)) : bytes);
}

/**
 * The file system of Node, Deno or Bun. No `node:` import, which would break a bundle for the browser.
 *
 * @throws HeedError `UNAVAILABLE` where there is none.
 */
export function fileSystem(): typeof FileSystem {
  const builtin = globalThis.process?.getBuiltinModule;
  if (builtin === undefined) {
    throw new HeedError('UNAVAILABLE', 'cannot read files: no file system here', {
      remedy: 'get the text in another way and give it to parseCases(text, name)',
    });
  }
  return builtin('node:fs/promises');
}

/** Anything that goes wrong with a file is an error that names it. */
export async function reading<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (HeedError.isInstance(cause)) throw cause;
    throw errorAt('ARGUMENT', name, `cannot be read: ${(cause as Error).message}`, { cause });
  }
}

async function readLocalFile(location: string | URL, name: string): Promise<Uint8Array<ArrayBuffer>> {
  const fs = fileSystem();
  const about = await fs.stat(location);
  if (!about.isFile()) throw errorAt('ARGUMENT', name, 'is not a file');
  if (about.size > MAX_FILE_BYTES) throw tooLarge(name);
  return new Uint8Array(await fs.readFile(location));
}

async function download(location: URL): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(location);
  if (!response.ok) throw new Error(`HTTP status ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

async function unpack(bytes: Uint8Array<ArrayBuffer>, name: string): Promise<Uint8Array> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  // Piece by piece, so that a file that unpacks to terabytes is given up at its limit.
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip')).getReader();
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    length += piece.value.length;
    if (length > MAX_FILE_BYTES) {
      await reader.cancel();
      throw tooLarge(name);
    }
    chunks.push(piece.value);
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

function tooLarge(name: string): HeedError {
  return errorAt('ARGUMENT', name, `is larger than ${MAX_FILE_BYTES / 2 ** 20} MiB`, {
    remedy: 'split it into several files',
  });
}

import { HeedError } from '@heed/core';

/** The largest case file, in bytes of text after decompression. */
export const MAX_FILE_BYTES: number = 64 * 2 ** 20;

/**
 * The text of a file or of an address, unpacked when it is gzip (told by its first bytes, since some servers
 * unpack `.gz` on the way). Files are read in Node, Deno and Bun; anywhere else the address is fetched.
 *
 * @throws HeedError `ARGUMENT` when it cannot be read, is no gzip after all, or is over {@link MAX_FILE_BYTES}.
 */
export async function readText(location: URL, name: string): Promise<string> {
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = location.protocol === 'file:' ? await readLocalFile(location) : await download(location);
  } catch (cause) {
    if (HeedError.isInstance(cause)) throw cause;
    throw new HeedError('ARGUMENT', `${name}: cannot be read: ${(cause as Error).message}`, { cause });
  }
  return new TextDecoder().decode(await unpack(bytes, name));
}

/**
 * The file system, where there is one. No `node:` import, which would break a bundle for the browser.
 *
 * @throws HeedError `UNAVAILABLE`.
 */
export function fileSystem(): typeof import('node:fs/promises') {
  const builtin = globalThis.process?.getBuiltinModule;
  if (builtin === undefined) {
    throw new HeedError('UNAVAILABLE', 'there is no file system here', {
      remedy: 'read the text yourself and give it to parseCases(text, name)',
    });
  }
  return builtin('node:fs/promises');
}

async function readLocalFile(location: URL): Promise<Uint8Array<ArrayBuffer>> {
  const fs = fileSystem();
  const about = await fs.stat(location);
  if (!about.isFile()) throw new Error('it is not a file');
  if (about.size > MAX_FILE_BYTES) throw tooLarge(location.pathname);
  return new Uint8Array(await fs.readFile(location));
}

async function download(location: URL): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(location);
  if (!response.ok) throw new Error(`HTTP status ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

async function unpack(bytes: Uint8Array<ArrayBuffer>, name: string): Promise<Uint8Array> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  try {
    // Piece by piece, so that a bomb is put down before it has gone off.
    const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip')).getReader();
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      length += piece.value.length;
      if (length > MAX_FILE_BYTES) throw tooLarge(name);
      chunks.push(piece.value);
    }
  } catch (cause) {
    if (HeedError.isInstance(cause)) throw cause;
    throw new HeedError('ARGUMENT', `${name}: is damaged gzip: ${(cause as Error).message}`, { cause });
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

function tooLarge(name: string): HeedError {
  return new HeedError('ARGUMENT', `${name}: is larger than ${MAX_FILE_BYTES / 2 ** 20} MiB`, {
    remedy: 'split it into several files',
  });
}

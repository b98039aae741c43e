import { inflateRawSync } from 'node:zlib';
import { HeedError } from '@heed/core';
import { type Bytes, memoryBytes, part } from './file-bytes.ts';

/** Signatures of the format's records (APPNOTE.TXT of PKWARE, 4.3). */
const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const END_64 = 0x06064b50;
const LOCATOR_64 = 0x07064b50;

const END_LENGTH = 22;
const LONGEST_COMMENT = 0xffff;
/** Placeholder for a number that is in a record of 64 bits. */
const IN_64 = 0xffffffff;

const STORED = 0;
const DEFLATED = 8;

interface Member {
  readonly method: number;
  readonly packedSize: number;
  /** Offset of its local header. */
  readonly offset: number;
}

/**
 * Returns the members of a ZIP archive by name, read on request: one that cannot be read does not affect the others,
 * and those that are stored uncompressed need not fit into memory. (fflate and similar libraries load the whole archive
 * into memory, or scan all of it.)
 *
 * @throws HeedError `ARGUMENT` when it is not an archive.
 */
export function zipMembers(archive: Bytes, name: string): ReadonlyMap<string, () => Bytes> {
  const directory = centralDirectory(archive, name);
  const members = new Map<string, () => Bytes>();
  for (let at = 0; at + 46 <= directory.byteLength && directory.getUint32(at, true) === CENTRAL;) {
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((field) =>
      directory.getUint16(at + field, true),
    ) as [number, number, number];
    const member = memberAt(directory, at, nameLength, extraLength);
    const memberName = new TextDecoder().decode(
      new Uint8Array(directory.buffer, directory.byteOffset + at + 46, nameLength),
    );
    members.set(memberName, () => contentOf(archive, member, `${name}: ${memberName}`));
    at += 46 + nameLength + extraLength + commentLength;
  }
  return members;
}

function centralDirectory(archive: Bytes, name: string): DataView {
  const tail = Math.min(archive.size, END_LENGTH + LONGEST_COMMENT);
  const view = viewOf(archive.read(archive.size - tail, tail));
  let end = tail - END_LENGTH;
  while (end >= 0 && view.getUint32(end, true) !== END) end--;
  if (end < 0) throw broken(name, 'has no directory of its members');
  let [size, offset] = [view.getUint32(end + 12, true), view.getUint32(end + 16, true)];
  if (end >= 20 && view.getUint32(end - 20, true) === LOCATOR_64) {
    const record = viewOf(archive.read(Number(view.getBigUint64(end - 12, true)), 56));
    if (record.getUint32(0, true) !== END_64) throw broken(name, 'has a damaged directory');
    size = Number(record.getBigUint64(40, true));
    offset = Number(record.getBigUint64(48, true));
  }
  if (offset + size > archive.size) throw broken(name, 'ends within its directory');
  return viewOf(archive.read(offset, size));
}

function memberAt(directory: DataView, at: number, nameLength: number, extraLength: number): Member {
  const member = {
    method: directory.getUint16(at + 10, true),
    packedSize: directory.getUint32(at + 20, true),
    offset: directory.getUint32(at + 42, true),
  };
  const size = directory.getUint32(at + 24, true);
  // The extra field of id 1 has, in this order, the numbers that need 64 bits.
  const first = at + 46 + nameLength;
  for (let field = first; field + 4 <= first + extraLength;) {
    let value = field + 4;
    if (directory.getUint16(field, true) === 1) {
      if (size === IN_64) value += 8;
      const next = (): number => Number(directory.getBigUint64((value += 8) - 8, true));
      if (member.packedSize === IN_64) member.packedSize = next();
      if (member.offset === IN_64) member.offset = next();
    }
    field += 4 + directory.getUint16(field + 2, true);
  }
  return member;
}

function contentOf(archive: Bytes, { method, packedSize, offset }: Member, name: string): Bytes {
  const header = viewOf(archive.read(offset, 30));
  if (header.getUint32(0, true) !== LOCAL) throw broken(name, 'is not where the directory says');
  const start = offset + 30 + header.getUint16(26, true) + header.getUint16(28, true);
  if (method === STORED) return part(archive, start, packedSize);
  if (method !== DEFLATED) throw broken(name, `is packed in the way ${method}; stored and deflated are read`);
  try {
    return memoryBytes(inflateRawSync(archive.read(start, packedSize)));
  } catch (cause) {
    if (HeedError.isInstance(cause)) throw cause;
    throw broken(name, `cannot be unpacked: ${(cause as Error).message}`, cause);
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function broken(name: string, what: string, cause?: unknown): HeedError {
  return new HeedError('ARGUMENT', `${name} ${what}`, {
    cause,
    remedy: 'write it anew, as with numpy.savez',
  });
}

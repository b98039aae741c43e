import { HeedError } from '@heed/core';
import { sizeOf } from '@heed/core/backend';
import { readSafetensors } from '@heed/layers';
import type { Bytes } from './file-bytes.ts';
import { type Stored, rangeOf } from './stored.ts';

/** The format's own limit of a header. */
const LONGEST_HEADER = 100_000_000;

/** A tensor as the header describes it. Only what is needed to find its bytes is checked. */
interface Entry {
  readonly dtype: unknown;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/**
 * Returns the tensors of a safetensors file by name, read on request: the file may be larger than memory,
 * and a tensor of an unsupported type does not affect the others.
 *
 * @throws HeedError `ARGUMENT` when the file is damaged.
 */
export function safetensorsOf(file: Bytes): ReadonlyMap<string, () => Stored> {
  const length = file.size < 8 ? NaN : Number(new DataView(file.read(0, 8).buffer).getBigUint64(0, true));
  // The reader of whole files reports whatever is wrong with a header.
  if (!(length <= Math.min(file.size - 8, LONGEST_HEADER)))
    return damaged(file.read(0, Math.min(file.size, 8)));
  const header = file.read(0, 8 + length);
  const entries = Object.entries(parsed(header)).filter(([name]) => name !== '__metadata__');
  return new Map(
    entries.map(([name, value]) => [name, () => storedOf(file, header.length, name, entryOf(name, value))]),
  );
}

function parsed(header: Uint8Array): object {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(header.subarray(8)));
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // Reported below.
  }
  return damaged(header);
}

function damaged(bytes: Uint8Array): never {
  readSafetensors(bytes);
  throw new HeedError('ARGUMENT', 'the header is not one of a safetensors file', {
    remedy: 'download or write the file again',
  });
}

function entryOf(name: string, value: unknown): Entry {
  const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Record<string, unknown>;
  if (!isCounts(shape) || !isCounts(offsets) || offsets.length !== 2 || !(offsets[0]! <= offsets[1]!)) {
    throw new HeedError('ARGUMENT', `"${name}" has no shape and no data_offsets in the header`, {
      remedy: 'download or write the file again: it is damaged',
    });
  }
  return { dtype, shape, begin: offsets[0]!, end: offsets[1]! };
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((count) => Number.isSafeInteger(count) && count >= 0);
}

function storedOf(file: Bytes, start: number, name: string, { dtype, shape, begin, end }: Entry): Stored {
  const bytesEach = (end - begin) / Math.max(1, sizeOf(shape));
  return {
    shape,
    read(at = []) {
      const { start: from, count } = rangeOf(shape, at);
      const bytes = file.read(start + begin + from * bytesEach, count * bytesEach);
      return readSafetensors(fileOfOne(name, dtype, shape.slice(at.length), bytes)).tensor(name);
    },
  };
}

/** Makes a file of one tensor, so that the same code decodes all types. */
function fileOfOne(name: string, dtype: unknown, shape: readonly number[], bytes: Uint8Array): Uint8Array {
  const text = JSON.stringify({ [name]: { dtype, shape, data_offsets: [0, bytes.length] } });
  // Padded, so that the numbers begin where typed arrays may.
  const header = new TextEncoder().encode(text.padEnd(Math.ceil(text.length / 8) * 8));
  const file = new Uint8Array(8 + header.length + bytes.length);
  new DataView(file.buffer).setBigUint64(0, BigInt(header.length), true);
  file.set(header, 8);
  file.set(bytes, 8 + header.length);
  return file;
}

import { sizeOf } from '@heed/core/backend';
import { type PlacedTensor, readSafetensors, readSafetensorsHeader } from '@heed/layers';
import type { Bytes } from './file-bytes.ts';
import { type Stored, rangeOf } from './stored.ts';

/**
 * Returns the tensors of a safetensors file by name, read on request: the file may be larger than memory,
 * and a tensor of an unsupported type does not affect the others.
 *
 * @throws HeedError `ARGUMENT` when the file is damaged.
 */
export function safetensorsOf(file: Bytes): ReadonlyMap<string, () => Stored> {
  const { tensors } = readSafetensorsHeader(file.size, (from, count) => file.read(from, count));
  return new Map([...tensors].map(([name, placed]) => [name, () => storedOf(file, name, placed)]));
}

function storedOf(file: Bytes, name: string, { dtype, shape, begin, end }: PlacedTensor): Stored {
  const bytesEach = (end - begin) / Math.max(1, sizeOf(shape));
  return {
    shape,
    read(at = []) {
      const { start, count } = rangeOf(shape, at);
      const bytes = file.read(begin + start * bytesEach, count * bytesEach);
      return readSafetensors(fileOfOne(name, dtype, shape.slice(at.length), bytes)).tensor(name);
    },
  };
}

/** Makes a file of one tensor, so that the same code decodes all types. */
function fileOfOne(name: string, dtype: string, shape: readonly number[], bytes: Uint8Array): Uint8Array {
  const text = JSON.stringify({ [name]: { dtype, shape, data_offsets: [0, bytes.length] } });
  // Padded, so that the numbers begin where typed arrays may.
  const header = new TextEncoder().encode(text.padEnd(Math.ceil(text.length / 8) * 8));
  const file = new Uint8Array(8 + header.length + bytes.length);
  new DataView(file.buffer).setBigUint64(0, BigInt(header.length), true);
  file.set(header, 8);
  file.set(bytes, 8 + header.length);
  return file;
}

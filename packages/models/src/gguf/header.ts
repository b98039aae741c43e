import { shown, sizeOf } from '@heed/core/backend';
import { Cursor, refuse } from './cursor.ts';
import { type BlockType, typeOf } from './types.ts';

/** A value of the metadata; integers of 64 bits that a number does not hold are bigints. */
export type MetadataValue = number | bigint | boolean | string | readonly MetadataValue[];

/** Metadata of a GGUF file by key, such as `general.architecture`. */
export type Metadata = Readonly<Record<string, MetadataValue>>;

/** A tensor of the file. */
export interface Entry {
  readonly type: BlockType;
  /** Row-major, the axis in blocks last: the reverse of the file's order. */
  readonly shape: readonly number[];
  /** Counted from the start of the file. */
  readonly begin: number;
  /** Null where the type is not read. */
  readonly bytes: number | null;
}

export interface Header {
  readonly metadata: Metadata;
  readonly entries: ReadonlyMap<string, Entry>;
}

const MAGIC = 0x46554747;
const MAXIMUM_AXES = 4;
const DEFAULT_ALIGNMENT = 32;
/** Type of a value that is an array. */
const ARRAY = 9;
/** Bytes of a value, by its type; a string has its length at least. */
const MINIMUM_BYTES: readonly number[] = [1, 1, 2, 2, 4, 4, 4, 1, 8, 0, 8, 8, 8];

/**
 * @param size of the whole file, in bytes.
 * @throws HeedError `ARGUMENT` with the clause that the file breaks; `Incomplete` where the header goes on behind the bytes.
 */
export function parseHeader(bytes: Uint8Array, size: number): Header {
  const cursor = new Cursor(bytes, size);
  if (cursor.uint32() !== MAGIC) refuse('header', 'the file does not begin with GGUF');
  const version = cursor.uint32();
  if (version !== 3) {
    const bigEndian = version === 0x03000000 ? ' (a big-endian file)' : '';
    refuse('header', `the version of the file is ${version}${bigEndian}; expected 3, little-endian`);
  }
  const tensors = cursor.count(24);
  const pairs = cursor.count(13);
  const metadata: Record<string, MetadataValue> = Object.create(null) as Record<string, MetadataValue>;
  for (let n = 0; n < pairs; n++) {
    const key = cursor.string();
    if (key in metadata) refuse('metadata', `the metadata has ${shown(key)} twice`);
    metadata[key] = readValue(cursor, key, cursor.uint32());
  }
  const described = new Map<string, Described>();
  for (let n = 0; n < tensors; n++) {
    const tensor = readTensor(cursor);
    if (described.has(tensor.name)) refuse('tensor', `the file has the tensor ${shown(tensor.name)} twice`);
    described.set(tensor.name, tensor);
  }
  const alignment = alignmentOf(metadata);
  const start = Math.ceil(cursor.at / alignment) * alignment;
  const entries = new Map<string, Entry>();
  for (const { name, offset, ...entry } of described.values()) {
    if (offset % alignment !== 0) {
      refuse(
        'layout',
        `${shown(name)} begins at byte ${offset} of the numbers; expected a multiple of ${alignment}`,
      );
    }
    entries.set(name, { ...entry, begin: start + offset });
  }
  checkLayout(entries, size);
  return { metadata, entries };
}

function readValue(cursor: Cursor, key: string, type: number): MetadataValue {
  if (type !== ARRAY) return readerOf(cursor, key, type)();
  const elements = cursor.uint32();
  if (elements === ARRAY) refuse('metadata', `${shown(key)} is an array of arrays`);
  const read = readerOf(cursor, key, elements);
  const length = cursor.count(MINIMUM_BYTES[elements]!);
  const values: MetadataValue[] = [];
  for (let n = 0; n < length; n++) values.push(read());
  return values;
}

function readerOf(cursor: Cursor, key: string, type: number): () => number | bigint | boolean | string {
  const readers = [
    ...[cursor.uint8, cursor.int8, cursor.uint16, cursor.int16, cursor.uint32, cursor.int32, cursor.float32],
    ...[cursor.boolean, cursor.string, undefined, cursor.uint64, cursor.int64, cursor.float64],
  ];
  return readers[type] ?? refuse('metadata', `${shown(key)} has the unknown type ${type}`);
}

/** A tensor as the header describes it; `offset` is counted from the start of the numbers. */
type Described = Omit<Entry, 'begin'> & { readonly name: string; readonly offset: number };

function readTensor(cursor: Cursor): Described {
  const name = cursor.string();
  const axes = cursor.uint32();
  if (axes > MAXIMUM_AXES) {
    refuse('tensor', `${shown(name)} has ${axes} axes; expected at most ${MAXIMUM_AXES}`);
  }
  const shape = Array.from({ length: axes }, () => safe(name, cursor.uint64())).reverse();
  const id = cursor.uint32();
  const type = typeOf(id) ?? refuse('tensor', `${shown(name)} has the unknown type ${id}`);
  const offset = safe(name, cursor.uint64());
  return { name, shape, type, offset, bytes: bytesOf(name, type, shape) };
}

function bytesOf(
  name: string,
  { name: typeName, block }: BlockType,
  shape: readonly number[],
): number | null {
  if (block === null) return null;
  const width = shape.at(-1) ?? 1;
  if (width % block.numbers !== 0) {
    refuse(
      'tensor',
      `${shown(name)} is ${typeName} with rows of ${width}, which are not whole blocks of ${block.numbers}`,
    );
  }
  return (sizeOf(shape) / block.numbers) * block.bytes;
}

function safe(name: string, value: number | bigint): number {
  return typeof value === 'number'
    ? value
    : refuse('tensor', `${shown(name)} has a length or place of ${value}`);
}

function alignmentOf(metadata: Metadata): number {
  const alignment = metadata['general.alignment'] ?? DEFAULT_ALIGNMENT;
  if (typeof alignment !== 'number' || alignment < 8 || alignment % 8 !== 0) {
    refuse('metadata', `general.alignment is ${shown(alignment)}; expected a multiple of 8`);
  }
  return alignment;
}

/** Tensors lie in the file and not over one another. */
function checkLayout(entries: ReadonlyMap<string, Entry>, size: number): void {
  let end = 0;
  const inOrder = [...entries].sort(([, a], [, b]) => a.begin - b.begin || (a.bytes ?? 0) - (b.bytes ?? 0));
  for (const [name, { begin, bytes }] of inOrder) {
    if (begin < end)
      refuse('layout', `${shown(name)} begins at byte ${begin}, where another tensor still goes on`);
    end = begin + (bytes ?? 0);
    if (end > size) refuse('layout', `${shown(name)} ends at byte ${end}, the file at ${size}`);
  }
}

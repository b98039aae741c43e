import { type DType, HeedError } from '@heed/core';
import { checkOptions, shown } from '@heed/core/backend';
import type { StateDict } from '../state-dict/copy.ts';
import { checkNamed } from '../tensors.ts';

/** Names of the types in the format, in the order in which its reference library puts them into a file. */
const SPELLED: Readonly<Record<DType, string>> = {
  float64: 'F64',
  float32: 'F32',
  bfloat16: 'BF16',
  float16: 'F16',
  int32: 'I32',
  int8: 'I8',
  // Bytes, with two numbers each.
  int4x2: 'U8',
  bool: 'BOOL',
};
const ORDER = Object.keys(SPELLED);

/** Options of {@link writeSafetensors}. */
export interface WriteSafetensorsOptions {
  /** The file's own remarks: strings by name. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/**
 * The bytes of a safetensors file, those that huggingface/safetensors 0.x writes of the same tensors: wider types first, then
 * by name; the header padded with spaces to a multiple of 8 bytes.
 *
 * @throws HeedError `ARGUMENT` for metadata that are not strings, a tensor named `__metadata__`, and text with half a surrogate pair,
 * which is not Unicode; `SHAPE` or `DTYPE` for what is not a tensor; `UNKNOWN_OPTION`.
 *
 * @example
 * ```ts
 * import { Linear, readSafetensors, writeSafetensors } from '@heed/layers';
 *
 * const layer = new Linear({ inputDim: 2, outputDim: 1 });
 * const file = writeSafetensors(layer.parameters, { metadata: { format: 'pt' } });
 * console.log(readSafetensors(file).names.join(' '), file.length % 4); // bias weight 0
 * ```
 */
export function writeSafetensors(tensors: StateDict, options: WriteSafetensorsOptions = {}): Uint8Array {
  checkOptions('writeSafetensors()', options, { metadata: true });
  const { metadata } = options;
  const header = metadata === undefined ? [] : [entry('__metadata__', checkMetadata(metadata))];
  const sorted = entriesInOrder(tensors);
  let end = 0;
  for (const { name, tensor } of sorted) {
    const begin = end;
    end += tensor.data.byteLength;
    const { dtype, shape } = tensor;
    header.push(entry(name, { dtype: SPELLED[dtype], shape, data_offsets: [begin, end] }));
  }
  const text = encodeUTF8(`{${header.join(',')}}`);
  const start = 8 + Math.ceil(text.length / 8) * 8;
  const file = new Uint8Array(start + end).fill(0x20, 8, start);
  new DataView(file.buffer).setBigUint64(0, BigInt(start - 8), true);
  file.set(text, 8);
  let at = start;
  for (const { tensor } of sorted) {
    const { buffer, byteOffset, byteLength } = tensor.data;
    file.set(new Uint8Array(buffer, byteOffset, byteLength), at);
    at += byteLength;
  }
  return file;
}

/** JSON of one entry: an object with all of them would put names that are numbers first. */
function entry(name: string, value: unknown): string {
  return `${JSON.stringify(name)}:${JSON.stringify(value)}`;
}

interface NamedEntry {
  readonly name: string;
  readonly tensor: StateDict[string];
}

function entriesInOrder(tensors: StateDict): NamedEntry[] {
  checkNamed('the tensors', tensors);
  const entries = Object.entries(tensors).map(([name, tensor]) => {
    if (name === '__metadata__') {
      throw new HeedError('ARGUMENT', 'a tensor is named __metadata__, which is the name of the remarks', {
        remedy: 'name it otherwise; remarks go into the option metadata',
      });
    }
    checkUnicode(`the name ${shown(name)}`, name);
    return { name, bytes: encodeUTF8(name), tensor };
  });
  return entries.sort(
    (a, b) => ORDER.indexOf(a.tensor.dtype) - ORDER.indexOf(b.tensor.dtype) || compareBytes(a.bytes, b.bytes),
  );
}

/** @throws HeedError `ARGUMENT` for half a surrogate pair, for which UTF-8 has no bytes: no other reader takes such a file. */
function checkUnicode(what: string, text: string): void {
  if (!/\p{Surrogate}/u.test(text)) return;
  throw new HeedError('ARGUMENT', `writeSafetensors(): ${what} has half of a surrogate pair`, {
    remedy: 'do not cut a text inside a character: toWellFormed() replaces such halves',
  });
}

/** Compares by code points, which UTF-16 does not sort by. */
function compareBytes(a: Uint8Array, b: Uint8Array): number {
  let n = 0;
  while (n < a.length && n < b.length && a[n] === b[n]) n++;
  return (a[n] ?? -1) - (b[n] ?? -1);
}

function encodeUTF8(text: string): Uint8Array {
  if (typeof TextEncoder !== 'undefined') return new TextEncoder().encode(text);
  // Every engine encodes the parts of addresses.
  const bytes = encodeURIComponent(text).match(/%..|./g) ?? [];
  return Uint8Array.from(bytes, (byte) =>
    byte.length === 1 ? byte.charCodeAt(0) : Number.parseInt(byte.slice(1), 16),
  );
}

function checkMetadata(metadata: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const isObject = typeof metadata === 'object' && metadata !== null && !Array.isArray(metadata);
  if (isObject && Object.values(metadata).every((text) => typeof text === 'string')) {
    for (const text of Object.entries(metadata).flat()) checkUnicode('metadata', text);
    return metadata;
  }
  throw new HeedError(
    'ARGUMENT',
    `writeSafetensors(): metadata is ${shown(metadata)}; expected an object of strings`,
    {
      remedy: 'write numbers as strings',
    },
  );
}

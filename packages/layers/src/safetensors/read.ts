import { HeedError, type Tensor } from '@heed/core';
import { checkOptions, flag, shown } from '@heed/core/backend';
import type { StateDict } from '../state-dict/copy.ts';
import { READ, decode } from './decode.ts';
import { parseHeader, noTensor } from './header.ts';

/**
 * A safetensors file: names, shapes and types are known and checked; numbers are decoded on request.
 */
export interface Safetensors {
  /** The file's own remarks. */
  readonly metadata: Readonly<Record<string, string>>;
  /** In the order of the file. */
  readonly names: readonly string[];
  /**
   * F32, F64, I32 and BOOL as they are; F16 and BF16 as float32, exactly, or with `keepHalf` as float16 and bfloat16; U8, I8, U16 and I16 as int32, and I64, where
   * every number fits.
   * May share the file's memory.
   *
   * @throws HeedError `MISSING_INPUT` for a name that is not there, `UNSUPPORTED` for another type.
   */
  tensor(name: string, options?: { readonly keepHalf?: boolean | undefined }): Tensor;
  /**
   * The tensors whose names begin with the prefix, under the rest of their names. Default: all. One of a type that is
   * not read throws `UNSUPPORTED` on request, not before.
   */
  stateDict(prefix?: string): StateDict;
}

/**
 * Reads a safetensors file (the format of huggingface/safetensors, version 0.x): a length, a JSON header, numbers.
 * Strict: the header must be one JSON object without repeated names; every entry has a known type, a shape and a
 * range that agree; the ranges fill the file without gap or overlap.
 *
 * @throws HeedError `ARGUMENT` with the clause that a malformed file breaks: `safetensors.length`,
 * `safetensors.header`, `safetensors.entry` or `safetensors.layout`.
 *
 * @example
 * ```ts
 * import { readSafetensors } from '@heed/layers';
 *
 * const header = '{"scale":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}';
 * const file = new Uint8Array([header.length, 0, 0, 0, 0, 0, 0, 0, ...new TextEncoder().encode(header), 0, 0, 128, 63]);
 * console.log(readSafetensors(file).tensor('scale').data[0]); // 1
 * ```
 */
export function readSafetensors(file: Uint8Array | ArrayBuffer): Safetensors {
  const isBytes = isKind(file, 'Uint8Array');
  if (!isBytes && !isKind(file, 'ArrayBuffer') && !isKind(file, 'SharedArrayBuffer')) {
    throw new HeedError('ARGUMENT', `the file is ${shown(file)}; expected a Uint8Array or an ArrayBuffer`, {
      clause: 'safetensors.length',
      remedy: 'give the bytes of the file; openSafetensors takes a Blob',
    });
  }
  // Plain: `slice` of a Node Buffer is a view, which leaves numbers where they are not aligned.
  const { buffer, byteOffset, byteLength } = isBytes ? (file as Uint8Array) : new Uint8Array(file);
  const bytes = new Uint8Array(buffer, byteOffset, byteLength);
  const { metadata, tensors } = parseHeader(bytes, bytes.length);
  const names = [...tensors.keys()];
  const read: Safetensors['tensor'] = (name, options = {}) => {
    checkOptions('tensor()', options, { keepHalf: flag });
    const entry = tensors.get(name);
    if (entry === undefined) throw noTensor('file', name);
    return decode(name, entry, bytes.subarray(entry.begin, entry.end), options.keepHalf);
  };
  return {
    metadata,
    names,
    tensor: read,
    stateDict(prefix = '') {
      const dict: Record<string, Tensor> = {};
      for (const name of names.filter((one) => one.startsWith(prefix))) {
        const { dtype } = tensors.get(name)!;
        Object.defineProperty(dict, name.slice(prefix.length), {
          enumerable: true,
          ...(READ.has(dtype) ? { value: read(name) } : { get: () => read(name) }),
        });
      }
      return dict;
    },
  };
}

/** Not instanceof: bytes may come from another realm, such as that of a test runner's page. */
function isKind(value: unknown, kind: string): boolean {
  return Object.prototype.toString.call(value) === `[object ${kind}]`;
}

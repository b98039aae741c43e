import { HeedError, type Tensor } from '@heed/core';
import { fromFloat16 } from '@heed/core/backend';
import type { StateDict } from './state-dict.ts';
import { type Entry, parseHeader } from './safetensors-header.ts';

/**
 * A safetensors file: names, shapes and types are known and checked, numbers are decoded when they are asked for.
 */
export interface Safetensors {
  /** The file's own remarks. */
  readonly metadata: Readonly<Record<string, string>>;
  /** In the order of the file. */
  readonly names: readonly string[];
  /**
   * F32, F64, I32 and BOOL as they are; F16 and BF16 as float32, exactly; U8, I8, U16 and I16 as int32, and I64, where
   * every number fits.
   * May share the file's memory.
   *
   * @throws HeedError `MISSING_INPUT` for a name that is not there, `UNSUPPORTED` for another type.
   */
  tensor(name: string): Tensor;
  /**
   * The tensors whose names begin with the prefix, under the rest of their names. Default: all. One of a type that is
   * not read throws `UNSUPPORTED` when it is asked for, not before.
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
  // Plain: `slice` of a Node Buffer is a view, which leaves numbers where they are not aligned.
  const bytes =
    file instanceof Uint8Array
      ? new Uint8Array(file.buffer, file.byteOffset, file.byteLength)
      : new Uint8Array(file);
  const { metadata, entries, start } = parseHeader(bytes);
  const names = [...entries.keys()];
  const read = (name: string): Tensor => {
    const entry = entries.get(name);
    if (entry === undefined) throw new HeedError('MISSING_INPUT', `the file has no tensor "${name}"`);
    return decode(name, entry, bytes.subarray(start + entry.begin, start + entry.end));
  };
  return {
    metadata,
    names,
    tensor: read,
    stateDict(prefix = '') {
      const dict: Record<string, Tensor> = {};
      for (const name of names.filter((one) => one.startsWith(prefix))) {
        const { dtype } = entries.get(name)!;
        Object.defineProperty(dict, name.slice(prefix.length), {
          enumerable: true,
          ...(READ.has(dtype) ? { value: read(name) } : { get: () => read(name) }),
        });
      }
      return dict;
    },
  };
}

/** Types that {@link decode} reads. */
const READ = new Set(['F32', 'F64', 'F16', 'BF16', 'U8', 'I8', 'U16', 'I16', 'I32', 'I64', 'BOOL']);

function decode(name: string, { dtype, shape }: Entry, bytes: Uint8Array): Tensor {
  switch (dtype) {
    case 'F32':
      return { dtype: 'float32', shape, data: view(Float32Array, bytes) };
    case 'F64':
      return { dtype: 'float64', shape, data: view(Float64Array, bytes) };
    case 'F16':
      return { dtype: 'float32', shape, data: Float32Array.from(view(Uint16Array, bytes), fromFloat16) };
    case 'BF16': {
      const words = Uint32Array.from(view(Uint16Array, bytes), (half) => half << 16);
      return { dtype: 'float32', shape, data: new Float32Array(words.buffer) };
    }
    case 'U8':
      return { dtype: 'int32', shape, data: Int32Array.from(bytes) };
    case 'I8':
      return { dtype: 'int32', shape, data: Int32Array.from(view(Int8Array, bytes)) };
    case 'U16':
      return { dtype: 'int32', shape, data: Int32Array.from(view(Uint16Array, bytes)) };
    case 'I16':
      return { dtype: 'int32', shape, data: Int32Array.from(view(Int16Array, bytes)) };
    case 'I32':
      return { dtype: 'int32', shape, data: view(Int32Array, bytes) };
    case 'I64':
      return {
        dtype: 'int32',
        shape,
        data: Int32Array.from(view(BigInt64Array, bytes), (n) => small(name, n)),
      };
    case 'BOOL':
      return { dtype: 'bool', shape, data: bytes };
    default:
      throw new HeedError('UNSUPPORTED', `"${name}" is ${dtype}, which no tensor of Heed holds`, {
        clause: 'safetensors.dtype',
        remedy: `convert it to one of ${[...READ].join(', ')}`,
      });
  }
}

interface NumberArray<A> {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBufferLike, offset: number, length: number): A;
}

/** The file's own memory where its place in it allows that, else a copy. */
function view<A>(array: NumberArray<A>, bytes: Uint8Array): A {
  const size = array.BYTES_PER_ELEMENT;
  const { buffer, byteOffset, byteLength } = byteOffsetFits(bytes, size) ? bytes : bytes.slice();
  return new array(buffer, byteOffset, byteLength / size);
}

function byteOffsetFits({ byteOffset }: Uint8Array, size: number): boolean {
  return byteOffset % size === 0;
}

function small(name: string, value: bigint): number {
  if (BigInt.asIntN(32, value) !== value) {
    throw new HeedError('UNSUPPORTED', `"${name}" has ${value}, which does not fit into int32`, {
      clause: 'safetensors.dtype',
    });
  }
  return Number(value);
}

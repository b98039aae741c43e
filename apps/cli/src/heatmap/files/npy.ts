import { HeedError, type Tensor, tensor } from '@heed/core';
import { sizeOf } from '@heed/core/backend';
import type { Bytes } from './file-bytes.ts';
import { type Stored, inMemory, rangeOf } from './stored.ts';

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

type Numbers = Exclude<Tensor['data'], Int8Array>;

/** Decoders of little-endian numbers by type, from their own memory. */
const TYPES: Record<string, { readonly bytes: number; decode(buffer: ArrayBuffer): Numbers }> = {
  f2: { bytes: 2, decode: (buffer) => new Uint16Array(buffer) },
  f4: { bytes: 4, decode: (buffer) => new Float32Array(buffer) },
  f8: { bytes: 8, decode: (buffer) => new Float64Array(buffer) },
  i1: { bytes: 1, decode: (buffer) => Int32Array.from(new Int8Array(buffer)) },
  i2: { bytes: 2, decode: (buffer) => Int32Array.from(new Int16Array(buffer)) },
  i4: { bytes: 4, decode: (buffer) => new Int32Array(buffer) },
  i8: { bytes: 8, decode: (buffer) => Float64Array.from(new BigInt64Array(buffer), Number) },
  u1: { bytes: 1, decode: (buffer) => Int32Array.from(new Uint8Array(buffer)) },
  u2: { bytes: 2, decode: (buffer) => Int32Array.from(new Uint16Array(buffer)) },
  u4: { bytes: 4, decode: (buffer) => Float64Array.from(new Uint32Array(buffer)) },
  u8: { bytes: 8, decode: (buffer) => Float64Array.from(new BigUint64Array(buffer), Number) },
  b1: { bytes: 1, decode: (buffer) => new Uint8Array(buffer) },
};

/**
 * A file of NumPy's format `.npy`, versions 1 to 3 (numpy.lib.format): floats of 16, 32 and 64 bits, integers of 8 to 64
 * with and without a sign, and booleans, in either byte order, in C or Fortran order.
 *
 * @throws HeedError `ARGUMENT` for a file that is damaged or of another kind, `DTYPE` for another type.
 */
export function readNpy(file: Bytes, name: string): Stored {
  const { descr, fortran, shape, start } = headerOf(file, name);
  const type = /^[<|=>]/.test(descr) ? TYPES[descr.slice(1)] : undefined;
  if (type === undefined) {
    throw new HeedError('DTYPE', `${name} holds ${descr}; expected one of ${Object.keys(TYPES).join(', ')}`, {
      remedy: 'convert it, as in numpy.save(file, array.astype("float32"))',
    });
  }
  const needed = sizeOf(shape) * type.bytes;
  if (file.size - start !== needed) {
    throw broken(
      name,
      `[${shape.join(', ')}] of ${descr} needs ${needed} bytes, it has ${file.size - start}`,
    );
  }
  const numbers = (from: number, count: number): Numbers => {
    const { buffer } = file.read(start + from * type.bytes, count * type.bytes);
    if (descr.startsWith('>')) swapBytes(Buffer.from(buffer), type.bytes);
    return type.decode(buffer);
  };
  if (fortran) {
    // Numbers that are adjacent in C order are spread over the whole file.
    const whole = (): Tensor => inRowOrder(tensorOf(numbers(0, sizeOf(shape)), [...shape].reverse()));
    return { shape, read: (at = []) => inMemory(whole()).read(at) };
  }
  return {
    shape,
    read(at = []) {
      const { start: from, count } = rangeOf(shape, at);
      return tensorOf(numbers(from, count), shape.slice(at.length));
    },
  };
}

/** Makes a tensor; only 16-bit floats are bits. */
function tensorOf(data: Numbers, shape: readonly number[]): Tensor {
  return data instanceof Uint16Array ? { dtype: 'float16', shape, data } : tensor(data, shape);
}

function swapBytes(bytes: Buffer, size: number): void {
  if (size === 2) bytes.swap16();
  if (size === 4) bytes.swap32();
  if (size === 8) bytes.swap64();
}

interface Header {
  readonly descr: string;
  readonly fortran: boolean;
  readonly shape: readonly number[];
  /** Start of the numbers. */
  readonly start: number;
}

/** The header is a literal of Python with three keys, in any order. */
function headerOf(file: Bytes, name: string): Header {
  const prefix = file.read(0, Math.min(12, file.size));
  if (!MAGIC.every((byte, index) => prefix[index] === byte) || prefix.length < 12)
    throw broken(name, 'is not a .npy file');
  const view = new DataView(prefix.buffer);
  const wide = prefix[6]! >= 2;
  const first = wide ? 12 : 10;
  const start = first + (wide ? view.getUint32(8, true) : view.getUint16(8, true));
  if (start > file.size) throw broken(name, 'ends within its header');
  const text = new TextDecoder().decode(file.read(first, start - first));
  const descr = /'descr':\s*'([^']*)'/.exec(text)?.[1];
  const order = /'fortran_order':\s*(True|False)/.exec(text)?.[1];
  const shape = /'shape':\s*\(([\d\s,]*)\)/.exec(text)?.[1];
  if (descr === undefined || order === undefined || shape === undefined) {
    throw broken(name, 'has a header without descr, fortran_order and shape: records are not read');
  }
  const lengths = shape
    .split(',')
    .filter((length) => length.trim() !== '')
    .map(Number);
  return { descr, fortran: order === 'True', shape: lengths, start };
}

function broken(name: string, what: string): HeedError {
  return new HeedError('ARGUMENT', `${name} ${what}`, { remedy: 'write it anew with numpy.save' });
}

/** Reverses the axes of a tensor. */
function inRowOrder({ dtype, shape, data }: Tensor): Tensor {
  const target = data.slice();
  const lengths = [...shape].reverse();
  const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1))).reverse();
  const index = lengths.map(() => 0);
  for (let at = 0; at < target.length; at++) {
    target[at] = data[index.reduce((sum, i, axis) => sum + i * strides[axis]!, 0)]!;
    for (let axis = lengths.length - 1; axis >= 0 && ++index[axis]! === lengths[axis]; axis--)
      index[axis] = 0;
  }
  return { dtype, shape: lengths, data: target } as Tensor;
}

import { HeedError, type Tensor, cast } from '@heed/core';
import { shown } from '@heed/core/backend';
import type { StoredTensor } from './header.ts';

/** Types that {@link decode} reads. */
export const READ: ReadonlySet<string> = new Set([
  'F32',
  'F64',
  'F16',
  'BF16',
  'U8',
  'I8',
  'U16',
  'I16',
  'I32',
  'I64',
  'BOOL',
]);

/**
 * Decodes a tensor from its bytes. Floats of 16 bits become float32, unless they are to be kept.
 *
 * @throws HeedError `UNSUPPORTED` for a type that no tensor holds, and a number that int32 does not.
 */
export function decode(
  name: string,
  { dtype, shape }: StoredTensor,
  bytes: Uint8Array,
  keepsHalf = false,
): Tensor {
  switch (dtype) {
    case 'F32':
      return { dtype: 'float32', shape, data: view(Float32Array, bytes) };
    case 'F64':
      return { dtype: 'float64', shape, data: view(Float64Array, bytes) };
    case 'F16':
    case 'BF16': {
      const half = dtype === 'F16' ? 'float16' : 'bfloat16';
      const stored = { dtype: half, shape, data: view(Uint16Array, bytes) } as const;
      return keepsHalf ? stored : cast(stored, 'float32');
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
      throw new HeedError('UNSUPPORTED', `${shown(name)} is ${dtype}, which no tensor of Heed holds`, {
        clause: 'safetensors.dtype',
        remedy: `convert it to one of ${[...READ].join(', ')}`,
      });
  }
}

interface NumberArray<A> {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBufferLike, offset: number, length: number): A;
}

/** Returns the file's own memory where its alignment allows that, else a copy. */
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
    throw new HeedError('UNSUPPORTED', `${shown(name)} has ${value}, which does not fit into int32`, {
      clause: 'safetensors.dtype',
      remedy: 'save the tensor as int32 or a float type',
    });
  }
  return Number(value);
}

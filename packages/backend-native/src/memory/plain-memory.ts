import type { Tensor } from '@heed/core';

/**
 * Memory of a tensor that stays where it is for the length of a run: shared memory may be written to meanwhile, and a
 * resizable buffer may shrink, so both are copied.
 */
export function fixedMemory({ data }: Tensor): ArrayBufferView {
  const { buffer } = data as { buffer: ArrayBufferLike & { readonly resizable?: boolean } };
  const isFixed = Object.prototype.toString.call(buffer) === '[object ArrayBuffer]' && !buffer.resizable;
  return isFixed ? data : data.slice();
}

import type { Tensor } from '@heed/core';

/**
 * Returns memory of a tensor that stays in place during a run: shared memory may be written to meanwhile, and a
 * resizable buffer may shrink, so both are copied.
 */
export function fixedMemory({ data }: Pick<Tensor, 'data'>): ArrayBufferView {
  const { buffer } = data as { buffer: ArrayBufferLike & { readonly resizable?: boolean } };
  const isFixed = Object.prototype.toString.call(buffer) === '[object ArrayBuffer]' && !buffer.resizable;
  return isFixed ? data : data.slice();
}

import { HeedError, type Tensor, copyPages } from '@heed/core';
import { shown } from '@heed/core/backend';
import type { FloatTensor } from '../../tensors.ts';
import { type CacheTensors, type KeyInputs, LayerKeys, type RowShape } from './keys.ts';
import type { PagedStep } from './paged-step.ts';

/** Pools at a step: each sequence has its own length, and its new tokens their slots. */
export class LayerPages extends LayerKeys {
  readonly #step: PagedStep;

  constructor(shape: RowShape, tensors: CacheTensors, step: PagedStep) {
    super(shape, tensors);
    this.#step = step;
  }

  get length(): number {
    return Math.max(0, ...this.#step.keyLengths) - this.#count;
  }

  get capacity(): number {
    return this.#step.capacity;
  }

  get #count(): number {
    return this.#step.slots[0]?.length ?? 0;
  }

  checkFor(kvHeads: number, headDim: number, query: FloatTensor): void {
    const [rows, length] = query.shape;
    this.fits(kvHeads, headDim, rows, this.#step.slots.length);
    if (length === this.#count) return;
    throw new HeedError(
      'ARGUMENT',
      `query has ${shown(length)} tokens; expected the ${this.#count} of the step`,
      {
        remedy: 'give pagedStep() the number of tokens of the query',
      },
    );
  }

  positions(length: number): Tensor<'int32'> {
    const { keyLengths } = this.#step;
    const data = Int32Array.from(
      keyLengths.flatMap((end) => Array.from({ length }, (_, n) => end - length + n)),
    );
    return { dtype: 'int32', shape: [keyLengths.length, length], data };
  }

  async append<T>(key: FloatTensor, value: FloatTensor, read: (inputs: KeyInputs) => Promise<T>): Promise<T> {
    const { slots, copies, blockTable, keyLengths } = this.#step;
    for (const pool of Object.values(this.tensors)) await copyPages(pool, copies);
    await this.write({ key, value }, { slots });
    return read({ ...this.tensors, blockTable, keyLengths });
  }
}

import { HeedError, type Tensor } from '@heed/core';
import { checkOptions, integer, required, zeros } from '@heed/core/backend';
import type { FloatTensor } from '../../tensors.ts';
import {
  type CacheTensors,
  type KeyInputs,
  type KeyValueCache,
  LayerKeys,
  type RowShape,
  type Rows,
} from './keys.ts';

export interface CacheShape extends RowShape {
  readonly batch: number;
  readonly capacity: number;
}

/** A cache with one row of keys for each sequence. */
export abstract class LayerRows extends LayerKeys implements KeyValueCache {
  protected readonly batch: number;
  readonly capacity: number;
  #length = 0;

  constructor(shape: CacheShape, tensors: CacheTensors) {
    super(shape, tensors);
    this.batch = shape.batch;
    this.capacity = shape.capacity;
  }

  get length(): number {
    return this.#length;
  }

  truncate(length: number): void {
    checkOptions('truncate()', { length }, { length: required(integer(0, this.#length)) });
    this.#length = length;
  }

  dispose(): void {
    for (const tensor of Object.values(this.tensors)) tensor.dispose();
  }

  positions(length: number): Tensor<'int32'> {
    const data = Int32Array.from({ length }, (_, n) => this.#length + n);
    return { dtype: 'int32', shape: [length], data };
  }

  async append<T>(key: FloatTensor, value: FloatTensor, read: (inputs: KeyInputs) => Promise<T>): Promise<T> {
    await this.writeNext({ key, value });
    const length = this.#length + key.shape[1];
    const keyLengths = Array<number>(this.batch).fill(length);
    const result = await read(this.inputs(keyLengths));
    this.#length = length;
    return result;
  }

  /** Writes rows after the last token. */
  protected abstract writeNext(rows: Rows): Promise<void>;

  protected abstract inputs(keyLengths: readonly number[]): KeyInputs;
}

/** The cache that keeps all tokens. */
export class LayerCache extends LayerRows {
  checkFor(kvHeads: number, headDim: number, query: FloatTensor): void {
    const [rows, length] = query.shape;
    this.fits(kvHeads, headDim, rows, this.batch);
    if (this.length + length <= this.capacity) return;
    throw new HeedError(
      'ARGUMENT',
      `the cache has ${this.length} of ${this.capacity} tokens; cannot append ${length} more`,
      { remedy: 'make it with a higher capacity, truncate it, or make it a ring for a layer with a window' },
    );
  }

  protected writeNext(rows: Rows): Promise<void> {
    return this.write(rows, { axis: 2, start: this.length });
  }

  protected inputs(keyLengths: readonly number[]): KeyInputs {
    return { ...this.tensors, keyLengths };
  }
}

/** The cache that keeps the last tokens: token t at t mod capacity. */
export class LayerRing extends LayerRows {
  /** The first token whose place no other has taken. */
  #oldest = 0;

  checkFor(kvHeads: number, headDim: number, query: FloatTensor, left: number): void {
    const [rows, length] = query.shape;
    this.fits(kvHeads, headDim, rows, this.batch);
    const first = Math.max(0, this.length - left);
    if (first >= this.#oldestAfter(length)) return;
    throw new HeedError(
      'ARGUMENT',
      `the query's ${length} tokens see token ${first}; the ring of ${this.capacity} would keep those from ${this.#oldestAfter(length)} on`,
      {
        remedy:
          "give a window whose left is at most the ring's capacity less the tokens, or fewer tokens at once",
      },
    );
  }

  override truncate(length: number): void {
    super.truncate(length);
    this.#oldest = Math.min(this.#oldest, length);
  }

  #oldestAfter(added: number): number {
    return Math.max(this.#oldest, this.length + added - this.capacity);
  }

  protected async writeNext({ key, value }: Rows): Promise<void> {
    const count = key.shape[1];
    this.#oldest = this.#oldestAfter(count);
    const start = this.length % this.capacity;
    const untilEnd = Math.min(count, this.capacity - start);
    await this.write(
      { key: tokensOf(key, 0, untilEnd), value: tokensOf(value, 0, untilEnd) },
      { axis: 2, start },
    );
    if (untilEnd === count) return;
    const rest = { key: tokensOf(key, untilEnd, count), value: tokensOf(value, untilEnd, count) };
    await this.write(rest, { axis: 2, start: 0 });
  }

  protected inputs(keyLengths: readonly number[]): KeyInputs {
    return { ...this.tensors, keyLengths, ring: true };
  }
}

/** The tokens `from` to `to` of `[B, L, H, D]`. */
function tokensOf(rows: FloatTensor, from: number, to: number): FloatTensor {
  const [batch, length, heads, width] = rows.shape as readonly [number, number, number, number];
  if (to - from === length) return rows;
  const size = heads * width;
  const part = zeros(rows.dtype, [batch, to - from, heads, width]) as FloatTensor;
  for (let b = 0; b < batch; b++) {
    const start = (b * length + from) * size;
    part.data.set(rows.data.subarray(start, start + (to - from) * size), b * (to - from) * size);
  }
  return part;
}

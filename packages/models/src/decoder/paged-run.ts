import {
  type AttentionBackend,
  type PageCopy,
  type PagedCache,
  type RunOptions,
  type Tensor,
  attention,
  copyPages,
} from '@heed/core';
import { zeros } from '@heed/core/backend';
import { type LayerMemory, writeRows } from './memory.ts';

type Float32 = Tensor<'float32'>;

/** A text's part in a run. */
export interface PagedPart {
  /** The sequence of the book. */
  readonly sequence: number;
  /** The number of its new tokens. */
  readonly count: number;
}

/** Texts with equally many new tokens: a batch of attention. */
interface Group {
  readonly count: number;
  /** The first new token of each text among those of the run. */
  readonly firsts: readonly number[];
  readonly blockTable: Tensor<'int32'>;
  readonly offsets: readonly number[];
  readonly keyLengths: readonly number[];
}

/** New tokens of texts in pages: where their keys go, and what each text then attends to. Layers see one row `[1, N]` of tokens. */
export class PagedRun {
  /** Positions of the tokens in their texts, int32 `[1, N]`. */
  readonly positions: Tensor<'int32'>;
  readonly #layers: readonly LayerMemory[];
  readonly #slots: readonly number[];
  readonly #copies: readonly PageCopy[];
  readonly #groups: readonly Group[];

  /**
   * Takes the pages that the tokens need.
   *
   * @param columns pages of each row of block tables: a fixed number, so that neither kernels nor bits depend on other texts.
   * @throws HeedError `OUT_OF_MEMORY`; the book may have changed then.
   */
  constructor(
    layers: readonly LayerMemory[],
    book: PagedCache,
    parts: readonly PagedPart[],
    columns: number,
  ) {
    this.#layers = layers;
    const before = book.keyLengths(parts.map(({ sequence }) => sequence));
    const appended = parts.map(({ sequence, count }) => book.append(sequence, count));
    this.#slots = appended.flatMap(({ slots }) => slots);
    this.#copies = appended.flatMap(({ copies }) => copies);
    this.positions = row(
      parts.flatMap(({ count }, n) => Array.from({ length: count }, (_, i) => before[n]! + i)),
    );
    let first = 0;
    const placed = parts.map((part, n) => {
      const here = { ...part, first, offset: before[n]! };
      first += part.count;
      return here;
    });
    this.#groups = [...new Set(parts.map(({ count }) => count))].map((count) => {
      const members = placed.filter((part) => part.count === count);
      const sequences = members.map(({ sequence }) => sequence);
      return {
        count,
        firsts: members.map((member) => member.first),
        blockTable: book.blockTable(sequences, columns),
        offsets: members.map(({ offset }) => offset),
        keyLengths: book.keyLengths(sequences),
      };
    });
  }

  /** Copies, in all layers, the pages that were shared with other texts and are to be written. */
  async copyShared(): Promise<void> {
    if (this.#copies.length === 0) return;
    for (const layer of this.#layers) {
      for (const pool of Object.values(layer)) await copyPages(pool, this.#copies);
    }
  }

  /** Writes the keys and values of a layer and attends to them: `[1, H, N, D]`, of queries `[1, H, N, D]`. */
  async attend(
    backend: AttentionBackend,
    layer: number,
    { query, key, value }: Readonly<Record<'query' | 'key' | 'value', Float32>>,
    run: RunOptions,
  ): Promise<Float32> {
    const memory = this.#layers[layer]!;
    await writeRows(memory, { key, value }, { slots: [this.#slots] });
    const output = zeros('float32', query.shape);
    const groups = this.#groups.map(async ({ count, firsts, offsets, ...keys }) => {
      const [, heads, , headDim] = query.shape as [number, number, number, number];
      const taken = zeros('float32', [firsts.length, heads, count, headDim]);
      moveRows(query, taken, firsts, 'take');
      const scope = { causal: true, alignment: { offset: offsets } };
      const results = await attention(backend, { ...scope, ...memory, ...keys, query: taken }, run);
      moveRows(output, results.output as Float32, firsts, 'put');
    });
    await Promise.all(groups);
    return output;
  }
}

/** int32 `[1, N]`. */
function row(numbers: readonly number[]): Tensor<'int32'> {
  return { dtype: 'int32', shape: [1, numbers.length], data: Int32Array.from(numbers) };
}

/** Copies rows between `[1, H, N, D]` and `[B, H, L, D]`, whose text b has those from `firsts[b]` on. */
function moveRows(all: Float32, some: Float32, firsts: readonly number[], way: 'take' | 'put'): void {
  const [, heads, total, headDim] = all.shape as [number, number, number, number];
  const size = some.shape[2]! * headDim;
  firsts.forEach((first, b) => {
    for (let h = 0; h < heads; h++) {
      const [there, here] = [(h * total + first) * headDim, (b * heads + h) * size];
      if (way === 'take') some.data.set(all.data.subarray(there, there + size), here);
      else all.data.set(some.data.subarray(here, here + size), there);
    }
  });
}

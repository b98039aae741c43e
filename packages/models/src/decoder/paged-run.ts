import { type PageCopy, type PagedCache, type Tensor, copyPages } from '@heed/core';
import type { Group } from './group.ts';
import { type LayerMemory, writeRows } from './memory.ts';

/** A text's part in a run. */
export interface PagedPart {
  /** The sequence of the book. */
  readonly sequence: number;
  /** The number of its new tokens. */
  readonly count: number;
}

/** A text's part, and where it is. */
interface PlacedPart extends PagedPart {
  /** Its first token among all those of the run. */
  readonly first: number;
  /** The number of tokens that the text had. */
  readonly before: number;
  readonly slots: readonly number[];
}

/** New tokens of texts in pages: where their keys go, and what each text then attends to. Layers see one row `[1, N]` of tokens. */
export class PagedRun {
  /** Positions of the tokens in their texts, int32 `[1, N]`. */
  readonly positions: Tensor<'int32'>;
  /** Texts with equally many new tokens. */
  readonly groups: readonly Group[];
  /** The group of each text, and its place there. */
  readonly places: readonly { readonly group: number; readonly from: number }[];
  readonly #layers: readonly LayerMemory[];
  readonly #copies: readonly PageCopy[];

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
    const copies: PageCopy[] = [];
    let first = 0;
    const placed = parts.map((part): PlacedPart => {
      const [before] = book.keyLengths([part.sequence]) as [number];
      const appended = book.append(part.sequence, part.count);
      copies.push(...appended.copies);
      const here = { ...part, first, before, slots: appended.slots };
      first += part.count;
      return here;
    });
    this.#copies = copies;
    this.positions = joined(placed.map(({ before, count }) => positionsOf([before], count)));
    const counts = [...new Set(parts.map(({ count }) => count))];
    const members = counts.map((count) => placed.filter((part) => part.count === count));
    this.groups = members.map((texts) => this.#groupOf(book, texts, columns));
    this.places = placed.map((part) => {
      const group = counts.indexOf(part.count);
      return { group, from: members[group]!.indexOf(part) };
    });
  }

  /** Copies, in all layers, the pages that were shared with other texts and are to be written. */
  async copyShared(): Promise<void> {
    if (this.#copies.length === 0) return;
    for (const layer of this.#layers) {
      for (const pool of Object.values(layer)) await copyPages(pool, this.#copies);
    }
  }

  #groupOf(book: PagedCache, texts: readonly PlacedPart[], columns: number): Group {
    const length = texts[0]!.count;
    const sequences = texts.map(({ sequence }) => sequence);
    const blockTable = book.blockTable(sequences, columns);
    const slots = {
      shape: [texts.length, length],
      data: Int32Array.from(texts.flatMap((text) => text.slots)),
    };
    return {
      length,
      firsts: texts.map(({ first }) => first),
      positions: positionsOf(
        texts.map(({ before }) => before),
        length,
      ),
      scope: {
        causal: true,
        alignment: { offset: texts.map(({ before }) => before) },
        keyLengths: texts.map(({ before }) => before + length),
        blockTable,
      },
      pages: texts.map((_, b) => {
        const row = blockTable.data.subarray(b * columns, (b + 1) * columns);
        return [...row].filter((page) => page >= 0);
      }),
      append: async (layer, rows) => {
        const memory = this.#layers[layer]!;
        await writeRows(memory, rows, { slots });
        return memory;
      },
    };
  }
}

/** Numbers of several texts as int32 `[1, N]`. */
function joined(parts: readonly Tensor<'int32'>[]): Tensor<'int32'> {
  const data = Int32Array.from(parts.flatMap((part) => [...part.data]));
  return { dtype: 'int32', shape: [1, data.length], data };
}

/** Positions of new tokens behind those that texts had, int32 `[B, L]`. */
export function positionsOf(before: readonly number[], length: number): Tensor<'int32'> {
  const data = new Int32Array(before.length * length);
  before.forEach((from, b) => {
    for (let i = 0; i < length; i++) data[b * length + i] = from + i;
  });
  return { dtype: 'int32', shape: [before.length, length], data };
}

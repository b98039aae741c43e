import { HeedError } from './error.ts';
import { checkOptions } from './options/check-options.ts';
import { array, integer, listOf, required } from './options/kinds.ts';
import { shown } from './options/shown.ts';
import { type ResidentTensor, type Tensor, isResident, tensor } from './tensor.ts';

/** Sizes of a {@link PagedCache}. */
export interface PagedCacheOptions {
  /** Pages of the pool. */
  readonly pages: number;
  /** Keys of a page. */
  readonly pageSize: number;
}

/** A page whose content belongs into another page. */
export interface PageCopy {
  readonly from: number;
  readonly to: number;
}

/** Where new keys go: see {@link PagedCache.append}. */
export interface Appended {
  /** The slot of each new key. */
  readonly slots: readonly number[];
  /** Pages to copy in every pool before the new keys are written: they were shared. */
  readonly copies: readonly PageCopy[];
}

/** Everything that a {@link PagedCache} knows, as plain data. */
export interface PagedCacheState extends PagedCacheOptions {
  /** The number of sequences that hold each page. */
  readonly holders: readonly number[];
  /** Sequences by name. */
  readonly sequences: readonly (readonly [id: number, sequence: PagedSequence])[];
  /** The name of the next sequence. */
  readonly next: number;
}

/** A sequence: its pages in order, and its keys. */
export interface PagedSequence {
  readonly pages: readonly number[];
  readonly length: number;
}

/**
 * Book of the pages of a pool: which sequence has which pages, and in which slots its next keys go. It holds numbers, no
 * tensor, and knows no backend: the pools, one for keys and one for values of each layer, follow what it says.
 *
 * Sequences that were forked share their pages until one of them writes into a page that another holds: `append` then gives
 * it a page of its own, to be filled by {@link copyPages} (copy on write, as in vLLM; Kwon et al., "Efficient memory management
 * for large language model serving with PagedAttention", SOSP 2023).
 *
 * @example
 * ```ts
 * import { PagedCache } from '@heed/core';
 *
 * const book = new PagedCache({ pages: 4, pageSize: 2 });
 * const prompt = book.open();
 * console.log(book.append(prompt, 3).slots.join()); // 0,1,2
 * const other = book.fork(prompt);
 * const { slots, copies } = book.append(other, 1);
 * console.log(slots.join(), JSON.stringify(copies)); // 5 [{"from":1,"to":2}]
 * console.log(book.blockTable([prompt, other]).data.join()); // 0,1,0,2
 * console.log(book.keyLengths([prompt, other]).join()); // 3,4
 * ```
 */
export class PagedCache {
  readonly pages: number;
  readonly pageSize: number;
  readonly #holders: number[];
  readonly #sequences = new Map<number, { pages: number[]; length: number }>();
  #next = 0;

  /** @throws HeedError `ARGUMENT` or `UNKNOWN_OPTION`. */
  constructor(options: PagedCacheOptions) {
    const count = required(integer(1, 2 ** 31 - 1));
    checkOptions('new PagedCache()', options, { pages: count, pageSize: count });
    this.pages = options.pages;
    this.pageSize = options.pageSize;
    this.#holders = Array.from({ length: options.pages }, () => 0);
  }

  /**
   * Makes a book of what {@link toJSON} returned, as it may come from a file or another process.
   *
   * @throws HeedError `ARGUMENT` or `UNKNOWN_OPTION` for anything that no book returns: a page that the pool does not have,
   *   pages that do not fit the length, holders that are not the sequences' pages.
   */
  static from(state: PagedCacheState): PagedCache {
    const owner = 'PagedCache.from()';
    const count = required(integer(1, 2 ** 31 - 1));
    checkOptions(owner, state, {
      pages: count,
      pageSize: count,
      holders: required(listOf(integer(0))),
      sequences: required(array),
      next: required(integer(0)),
    });
    const { pages: pageCount, pageSize, holders, next } = state;
    const book = new PagedCache({ pages: pageCount, pageSize });
    for (const entry of state.sequences) {
      if (!Array.isArray(entry) || entry.length !== 2)
        refuseState('a sequence', entry, '[id, { pages, length }]');
      const [id, sequence] = entry as PagedCacheState['sequences'][number];
      if (!integer(0, next - 1).accepts(id) || book.#sequences.has(id)) {
        refuseState('the name of a sequence', id, `an integer from 0 to next − 1 = ${next - 1}, each once`);
      }
      const page = integer(0, pageCount - 1);
      checkOptions(owner, sequence, { pages: required(listOf(page)), length: required(integer(0)) });
      const pages = [...sequence.pages];
      const wanted = Math.ceil(sequence.length / pageSize);
      if (pages.length !== wanted || new Set(pages).size !== wanted) {
        refuseState(
          `pages of sequence ${id}`,
          pages,
          `${wanted} different ones for its ${sequence.length} keys`,
        );
      }
      for (const held of pages) book.#holders[held]!++;
      book.#sequences.set(id, { pages, length: sequence.length });
    }
    if (holders.length !== pageCount)
      refuseState('the length of holders', holders.length, `${pageCount}, as pages says`);
    const wrong = holders.findIndex((held, n) => held !== book.#holders[n]);
    if (wrong >= 0) {
      const expected = `${book.#holders[wrong]}, the sequences with that page`;
      refuseState(`holders of page ${wrong}`, holders[wrong], expected);
    }
    book.#next = next;
    return book;
  }

  /** Returns everything as plain data. */
  toJSON(): PagedCacheState {
    return {
      pages: this.pages,
      pageSize: this.pageSize,
      holders: [...this.#holders],
      sequences: [...this.#sequences].map(([id, { pages, length }]) => [id, { pages: [...pages], length }]),
      next: this.#next,
    };
  }

  /** Number of pages that no sequence holds. */
  get free(): number {
    return this.#holders.reduce((count, holders) => count + (holders === 0 ? 1 : 0), 0);
  }

  /** Begins an empty sequence and returns its name. */
  open(): number {
    this.#sequences.set(this.#next, { pages: [], length: 0 });
    return this.#next++;
  }

  /**
   * Begins a sequence with the keys of another: they share all pages.
   *
   * @throws HeedError `ARGUMENT` for a sequence that is not open.
   */
  fork(id: number): number {
    const { pages, length } = this.#get(id);
    for (const page of pages) this.#holders[page]!++;
    this.#sequences.set(this.#next, { pages: [...pages], length });
    return this.#next++;
  }

  /**
   * Ends a sequence; pages that no other one holds are free.
   *
   * @throws HeedError `ARGUMENT` for a sequence that is not open.
   */
  close(id: number): void {
    this.truncate(id, 0);
    this.#sequences.delete(id);
  }

  /**
   * Makes room for `count` more keys of a sequence.
   *
   * @returns the slot of each, for `pool.write(rows, { slots })`, and the pages to copy before.
   * @throws HeedError `OUT_OF_MEMORY` if there are not enough free pages, `ARGUMENT` for a sequence that is not open or
   *   another count; nothing is changed then.
   */
  append(id: number, count: number): Appended {
    const sequence = this.#get(id);
    checkLength('count', count, 2 ** 31 - 1);
    const { pageSize } = this;
    const first = Math.floor(sequence.length / pageSize);
    const pageCount = Math.ceil((sequence.length + count) / pageSize);
    const last = sequence.pages[first];
    const isShared = count > 0 && last !== undefined && this.#holders[last]! > 1;
    const wanted = pageCount - sequence.pages.length + (isShared ? 1 : 0);
    const taken = this.#take(wanted);
    const copies: PageCopy[] = [];
    if (isShared) {
      const own = taken.shift()!;
      copies.push({ from: last, to: own });
      this.#holders[last]!--;
      sequence.pages[first] = own;
    }
    sequence.pages.push(...taken);
    const slots = Array.from({ length: count }, (_, n) => {
      const j = sequence.length + n;
      return sequence.pages[Math.floor(j / pageSize)]! * pageSize + (j % pageSize);
    });
    sequence.length += count;
    return { slots, copies };
  }

  /**
   * Takes the last keys of a sequence away, such as guessed tokens that were wrong.
   *
   * @throws HeedError `ARGUMENT` for a sequence that is not open, or more keys than it has.
   */
  truncate(id: number, length: number): void {
    const sequence = this.#get(id);
    checkLength('length', length, sequence.length);
    for (const page of sequence.pages.splice(Math.ceil(length / this.pageSize))) this.#holders[page]!--;
    sequence.length = length;
  }

  /**
   * Moves all pages that are held to the beginning of the pool, in the order of the sequences.
   *
   * @returns the pages to copy, to be given to {@link copyPages} at once: those that are written may be read by others.
   */
  defragment(): PageCopy[] {
    const moved = new Map<number, number>();
    for (const { pages } of this.#sequences.values()) {
      for (const page of pages) if (!moved.has(page)) moved.set(page, moved.size);
    }
    const before = [...this.#holders];
    this.#holders.fill(0);
    for (const [from, to] of moved) this.#holders[to] = before[from]!;
    for (const sequence of this.#sequences.values()) {
      sequence.pages = sequence.pages.map((page) => moved.get(page)!);
    }
    return [...moved].flatMap(([from, to]) => (from === to ? [] : [{ from, to }]));
  }

  /**
   * Returns the block table of a batch of sequences, int32 `[B, columns]`, −1 where a sequence has no more pages.
   *
   * @param columns pages of each row: a fixed number serves every step with one kernel. Default: those of the longest.
   * @throws HeedError `ARGUMENT` for a sequence that is not open or has more pages.
   */
  blockTable(ids: readonly number[], columns?: number): Tensor<'int32'> {
    const rows = this.#all(ids).map(({ pages }) => pages);
    const longest = Math.max(0, ...rows.map(({ length }) => length));
    const width = columns ?? longest;
    if (!Number.isSafeInteger(width) || width < longest) {
      throw new HeedError('ARGUMENT', `columns is ${shown(columns)}; expected an integer ≥ ${longest}`, {
        clause: 'pages',
        remedy: 'leave it out, or give the pages of the longest sequence that there will be',
      });
    }
    const table = new Int32Array(rows.length * width).fill(-1);
    rows.forEach((pages, b) => table.set(pages, b * width));
    return tensor(table, [rows.length, width]);
  }

  /**
   * Returns the number of keys of each sequence.
   *
   * @throws HeedError `ARGUMENT` for a sequence that is not open.
   */
  keyLengths(ids: readonly number[]): number[] {
    return this.#all(ids).map(({ length }) => length);
  }

  #all(ids: readonly number[]): { pages: number[]; length: number }[] {
    return checkedArray('sequences', ids, 'give what open() and fork() returned, in an array').map((id) =>
      this.#get(id),
    );
  }

  #get(id: number): { pages: number[]; length: number } {
    const sequence = this.#sequences.get(id);
    if (sequence !== undefined) return sequence;
    throw new HeedError('ARGUMENT', `no sequence ${shown(id)} is open`, {
      clause: 'pages',
      remedy: 'give what open() or fork() returned, before close()',
    });
  }

  /** Takes the free pages of the lowest numbers. */
  #take(count: number): number[] {
    const pages: number[] = [];
    for (let page = 0; page < this.pages && pages.length < count; page++) {
      if (this.#holders[page] === 0) pages.push(page);
    }
    if (pages.length < count) {
      throw new HeedError('OUT_OF_MEMORY', `${count} more pages are needed, ${pages.length} are free`, {
        clause: 'pages',
        remedy: 'close sequences, or make a pool of more pages',
      });
    }
    for (const page of pages) this.#holders[page] = 1;
    return pages;
  }
}

function refuseState(name: string, given: unknown, expected: string): never {
  throw new HeedError('ARGUMENT', `PagedCache.from(): ${name} is ${shown(given)}; expected ${expected}`, {
    clause: 'pages',
    remedy: 'give what toJSON() returned, unchanged',
  });
}

function checkedArray<T>(name: string, value: readonly T[], remedy: string): readonly T[] {
  if (Array.isArray(value)) return value;
  throw new HeedError('ARGUMENT', `${name} is ${shown(value)}; expected an array`, {
    clause: 'pages',
    remedy,
  });
}

function checkLength(name: string, value: number, maximum: number): void {
  if (Number.isSafeInteger(value) && value >= 0 && value <= maximum) return;
  throw new HeedError('ARGUMENT', `${name} is ${shown(value)}; expected an integer from 0 to ${maximum}`, {
    clause: 'pages',
    remedy: 'give a number of keys',
  });
}

/**
 * Copies pages of a pool, all as they were before. One page after another goes through the host.
 *
 * @throws HeedError `SHAPE` for a page that the pool does not have; `ARGUMENT` for what is not a pool or a list of copies.
 */
export async function copyPages(pool: ResidentTensor, copies: readonly PageCopy[]): Promise<void> {
  if (!isResident(pool)) {
    throw new HeedError('ARGUMENT', `the pool is ${shown(pool)}; expected a resident tensor`, {
      clause: 'pages',
      remedy: 'make the pool: await backend.allocate(dtype, [pages, Hkv, size, D])',
    });
  }
  checkedArray('copies', copies, 'give the copies of append() or defragment()').forEach((copy) =>
    checkOptions('a copy', copy, { from: required(integer(0)), to: required(integer(0)) }),
  );
  // A page that is to be written may still have to be read.
  const sources = new Set(copies.map(({ from }) => from));
  const kept = new Map<number, Promise<Tensor>>();
  const read = (page: number): Promise<Tensor> => pool.read({ axis: 0, start: page, length: 1 });
  for (const { to } of copies) if (sources.has(to)) kept.set(to, read(to));
  await Promise.all(kept.values());
  for (const { from, to } of copies) {
    await pool.write(await (kept.get(from) ?? read(from)), { axis: 0, start: to });
  }
}

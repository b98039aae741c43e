import { type AttentionBackend, HeedError, PagedCache } from '@heed/core';
import { array, checkOptions, integer, listOf, oneOf, required, shown } from '@heed/core/backend';
import type { DecoderConfig } from '../config/decoder-config.ts';
import {
  CACHE_TYPES,
  type DecoderCacheType,
  type LayerMemory,
  allocateLayers,
  disposeLayers,
  fitsModel,
} from './memory.ts';
import { PagedRun } from './paged-run.ts';
import type { DecoderPages, DecoderPagesOptions } from './pages.ts';
import { type TextTokens, commonLength } from './texts.ts';

/** An open text: the tokens that it has, and its sequence in the book. */
interface OpenText {
  readonly ids: number[];
  readonly sequence: number;
}

/** Default of {@link DecoderPagesOptions.pageSize}: that of vLLM. */
const PAGE_SIZE = 16;

/** The pages of a decoder, which runs texts in them by {@link append}. */
export class TextPages implements DecoderPages {
  readonly pages: number;
  readonly pageSize: number;
  readonly capacity: number;
  readonly type: DecoderCacheType;
  readonly #layers: readonly LayerMemory[];
  #book: PagedCache;
  readonly #texts = new Map<number, OpenText>();
  #next = 0;
  #isRunning = false;
  /** Sequences that were closed during the step under way. */
  #closed: number[] = [];

  constructor(layers: readonly LayerMemory[], capacity: number) {
    const { shape, dtype } = layers[0]!.key;
    this.#layers = layers;
    this.pages = shape[0]!;
    this.pageSize = shape[2]!;
    this.capacity = capacity;
    this.type = dtype as DecoderCacheType;
    this.#book = new PagedCache({ pages: this.pages, pageSize: this.pageSize });
  }

  get free(): number {
    return this.#book.free;
  }

  open(ids: readonly number[] = []): number {
    checkOptions('open()', { ids }, { ids: listOf(integer(0)) });
    this.#checkIdle('open()');
    let [longest, like] = [0, null as OpenText | null];
    for (const text of this.#texts.values()) {
      const common = commonLength(text.ids, ids, ids.length - 1);
      if (common > longest) [longest, like] = [common, text];
    }
    const length = longest - (longest % this.pageSize);
    if (like === null || length === 0) return this.#add({ ids: [], sequence: this.#book.open() });
    const sequence = this.#book.fork(like.sequence);
    this.#book.truncate(sequence, length);
    return this.#add({ ids: like.ids.slice(0, length), sequence });
  }

  fork(text: number): number {
    this.#checkIdle('fork()');
    const { ids, sequence } = this.#get(text);
    return this.#add({ ids: [...ids], sequence: this.#book.fork(sequence) });
  }

  lengthOf(text: number): number {
    return this.#get(text).ids.length;
  }

  truncate(text: number, length: number): void {
    this.#checkIdle('truncate()');
    const { ids, sequence } = this.#get(text);
    checkOptions('truncate()', { length }, { length: required(integer(0, ids.length)) });
    this.#book.truncate(sequence, length);
    ids.length = length;
  }

  close(text: number): void {
    const { sequence } = this.#get(text);
    this.#texts.delete(text);
    if (this.#isRunning) this.#closed.push(sequence);
    else this.#book.close(sequence);
  }

  /** Returns whether they have the layers and heads of a model. */
  fits(config: DecoderConfig): boolean {
    return fitsModel(this.#layers, config);
  }

  dispose(): void {
    disposeLayers(this.#layers);
  }

  /**
   * Runs work with pages for the tokens of some texts. They join the texts if it succeeds; else all is as before.
   *
   * @throws HeedError `ARGUMENT` or `OUT_OF_MEMORY`, before the work begins.
   */
  async append<T>(texts: readonly TextTokens[], work: (run: PagedRun) => Promise<T>): Promise<T> {
    this.#checkIdle('step()');
    this.#checkTexts(texts);
    const parts = texts.map(({ text, ids }) => ({ ...this.#get(text), more: ids }));
    // Works on a copy: a page that was taken for one text cannot be given back once another finds none.
    const book = PagedCache.from(this.#book.toJSON());
    const run = this.#run(
      book,
      parts.map(({ sequence, more }) => ({ sequence, count: more.length })),
    );
    this.#isRunning = true;
    try {
      await run.copyShared();
      const result = await work(run);
      this.#book = book;
      for (const { ids, more } of parts) for (const id of more) ids.push(id);
      return result;
    } finally {
      this.#isRunning = false;
      for (const sequence of this.#closed.splice(0)) this.#book.close(sequence);
    }
  }

  #checkTexts(texts: readonly TextTokens[]): void {
    checkOptions('step()', { texts }, { texts: required(array) });
    const seen = new Set<number>();
    for (const one of texts) {
      checkOptions('step(): a text', one, {
        text: required(integer(0)),
        ids: required(listOf(integer(0))),
        logits: oneOf('last', 'all', 'none'),
        capture: array,
      });
      const { text, ids } = one;
      const length = this.lengthOf(text) + ids.length;
      if (seen.has(text) || ids.length === 0) {
        const given = seen.has(text) ? 'comes twice' : 'has no tokens';
        throw new HeedError(
          'ARGUMENT',
          `step(): text ${text} ${given}; expected each once, with a token or more`,
          {
            clause: 'pages',
            remedy: 'leave out a text that waits; fork() one that goes on in two ways',
          },
        );
      }
      seen.add(text);
      if (length <= this.capacity) continue;
      throw new HeedError(
        'ARGUMENT',
        `step(): text ${text} would have ${length} tokens; expected at most ${this.capacity}`,
        { clause: 'pages', remedy: 'end the text, or make the pages with a higher capacity' },
      );
    }
  }

  #run(book: PagedCache, parts: ConstructorParameters<typeof PagedRun>[2]): PagedRun {
    const columns = Math.min(this.pages, Math.ceil(this.capacity / this.pageSize));
    try {
      return new PagedRun(this.#layers, book, parts, columns);
    } catch (cause) {
      if ((cause as Partial<HeedError>).code !== 'OUT_OF_MEMORY') throw cause;
      const tokens = parts.reduce((sum, { count }) => sum + count, 0);
      const given = `step(): there is no room for ${tokens} more tokens: ${this.free} of ${this.pages} pages are free`;
      throw new HeedError('OUT_OF_MEMORY', given, {
        clause: 'pages',
        remedy: 'close() a text, run fewer tokens, or give pages() more',
        cause,
      });
    }
  }

  #add(text: OpenText): number {
    this.#texts.set(this.#next, text);
    return this.#next++;
  }

  #get(text: number): OpenText {
    const open = this.#texts.get(text);
    if (open !== undefined) return open;
    throw new HeedError('ARGUMENT', `no text ${shown(text)} is open`, {
      clause: 'pages',
      remedy: 'give what open() or fork() returned, before close()',
    });
  }

  #checkIdle(owner: string): void {
    if (!this.#isRunning) return;
    throw new HeedError('ARGUMENT', `${owner}: a step of these pages is under way`, {
      clause: 'pages',
      remedy: 'await model.step() first; close() alone may be called during it',
    });
  }
}

/** @throws HeedError `ARGUMENT`, `UNKNOWN_OPTION`; `UNSUPPORTED` for pages or a type that the backend lacks; `OUT_OF_MEMORY`. */
export async function createPages(
  backend: AttentionBackend,
  config: DecoderConfig,
  options: DecoderPagesOptions,
): Promise<TextPages> {
  checkOptions('pages()', options, {
    pages: required(integer(1, 2 ** 31 - 1)),
    pageSize: integer(1, 2 ** 31 - 1),
    capacity: integer(1, config.positions),
    type: oneOf(...CACHE_TYPES),
  });
  if (!backend.capabilities.features.includes('pages')) {
    throw new HeedError('UNSUPPORTED', `pages(): ${backend.device} lacks pages`, {
      clause: 'pages',
      remedy: 'use cache(), or a backend that has pages among its capabilities.features',
    });
  }
  const { pages, pageSize = PAGE_SIZE, capacity = config.positions, type = 'float32' } = options;
  const layers = await allocateLayers('pages()', backend, config, { type, count: pages, rows: pageSize });
  return new TextPages(layers, capacity);
}

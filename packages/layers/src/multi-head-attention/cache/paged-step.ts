import { HeedError, PagedCache, type PageCopy, type Tensor } from '@heed/core';
import { checkOptions, integer, shown } from '@heed/core/backend';

/** New tokens of a batch of sequences: what a book says of them, for every layer of a model. */
export interface PagedStep {
  /** The slot of each token, `[B][L]`. */
  readonly slots: readonly (readonly number[])[];
  /** Pages to copy before the tokens are written. */
  readonly copies: readonly PageCopy[];
  /** int32 `[B, columns]`. */
  readonly blockTable: Tensor<'int32'>;
  /** Tokens of each sequence, the new ones included. */
  readonly keyLengths: readonly number[];
  /** Tokens that a row of the block table may have. */
  readonly capacity: number;
}

/**
 * Makes room for `count` more tokens of each of the sequences, once for all layers.
 *
 * @param ids sequences of the book, in the order of the batch, none twice.
 * @param options `columns`: pages of each row of the block table; a fixed number serves every step with one kernel. Default: those of
 *   the longest sequence.
 * @throws HeedError `ARGUMENT` for a sequence that is not open or comes twice, or another count; `OUT_OF_MEMORY` if there are not enough
 *   free pages; `UNKNOWN_OPTION`. The book is unchanged then.
 *
 * @example
 * ```ts
 * import { PagedCache } from '@heed/core';
 * import ts from '@heed/backend-ts';
 * import { MultiHeadAttention, pagedStep } from '@heed/layers';
 *
 * const backend = await ts.create();
 * const layer = new MultiHeadAttention({ embedDim: 2, heads: 1 });
 * const book = new PagedCache({ pages: 4, pageSize: 2 });
 * const pools = await layer.pools(backend, { book, type: 'float16' });
 * const prompt = book.open();
 * const query = [[[1, 2], [3, 4], [5, 6]]];
 * await layer.forward(backend, { query, causal: true, cache: pools.at(pagedStep(book, [prompt], 3)) });
 * const beams = [prompt, book.fork(prompt)];
 * const step = pagedStep(book, beams, 1);
 * const { output } = await layer.forward(backend, { query: [[[7, 8]], [[9, 0]]], cache: pools.at(step) });
 * console.log(output.shape.join(' × '), step.keyLengths.join()); // 2 × 1 × 2 4,4
 * pools.dispose();
 * ```
 */
export function pagedStep(
  book: PagedCache,
  ids: readonly number[],
  count: number,
  options: { readonly columns?: number | undefined } = {},
): PagedStep {
  checkOptions('pagedStep()', options, { columns: integer(0) });
  if (!Array.isArray(ids)) {
    throw new HeedError('ARGUMENT', `sequences are ${shown(ids)}; expected an array`, {
      clause: 'pages',
      remedy: 'give those that open() and fork() returned, such as [prompt]',
    });
  }
  if (!(typeof (book as Partial<PagedCache> | null | undefined)?.toJSON === 'function')) {
    throw new HeedError('ARGUMENT', `pagedStep(): the book is ${shown(book)}; expected a PagedCache`, {
      clause: 'pages',
      remedy: 'make one: new PagedCache({ pages, pageSize })',
    });
  }
  if (new Set(ids).size !== ids.length) {
    throw new HeedError('ARGUMENT', `sequences are ${ids.join(', ')}; expected each once`, {
      clause: 'pages',
      remedy: 'fork a sequence that goes on in two ways',
    });
  }
  const { columns } = options;
  // Everything is tried on a copy: a page that was taken for one sequence cannot be given back once another finds none.
  const trial = PagedCache.from(book.toJSON());
  for (const id of ids) trial.append(id, count);
  trial.blockTable(ids, columns);
  const appended = ids.map((id) => book.append(id, count));
  const blockTable = book.blockTable(ids, columns);
  return {
    slots: appended.map(({ slots }) => slots),
    copies: appended.flatMap(({ copies }) => copies),
    blockTable,
    keyLengths: book.keyLengths(ids),
    capacity: blockTable.shape[1]! * book.pageSize,
  };
}

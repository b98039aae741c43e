import {
  type Block,
  type Callable,
  type Locals,
  type Variable,
  i32,
  int,
  memoryFill,
  when,
  whileTrue,
} from '@heed/core/wasm';
import { type Context, type RowTensor, maximum, minimum, place, rowAddress } from '../module/context.ts';
import { toColumn } from '../module/ring.ts';
import { appendPage, keysAhead, pagesAhead, runAhead, whenAhead } from './ahead.ts';

/** In the byte of a key: it has no page. */
export const PAGELESS = 2;

/** Pages of at most so many keys are read ahead several at a time, longer ones in parts. */
const SHORT_PAGE = 64;

/**
 * A function (tile) that turns to the pages of the open tile. It notes which keys have none, for the scores to exclude:
 * `PAGELESS` in their bytes. The others are read ahead where that gains.
 */
export function pageOpener(context: Context): Callable<['i32']> {
  const { module, tiling, frame, item, scratch } = context;
  const readAhead = aheadReader(context);
  return module.function({ parameters: ['i32'] }, (body, tile) => {
    const [key, next, end, page, row] = body.locals('i32', 5);
    const note: Block = [
      when(i32.eqz(item.tileNonFinite), memoryFill(item.nonFiniteAt, int(0), int(tiling.tileKeys))),
      item.tileNonFinite.set(int(1)),
      memoryFill(i32.add(item.nonFiniteAt, i32.sub(key, tile)), int(PAGELESS), i32.sub(next, key)),
    ];
    return [
      item.nonFiniteAt.set(i32.add(item.scratch, int(scratch.pageless))),
      item.tileNonFinite.set(int(0)),
      key.set(maximum(tile, item.firstKey)),
      end.set(minimum(frame.integer('keyLength'), i32.add(tile, int(tiling.tileKeys)))),
      end.set(minimum(end, item.endKey)),
      eachRun(context, body, end, { key, next, page, row }, when(i32.eq(page, int(-1)), note)),
      whenAhead(context, tile, readAhead(tile)),
    ];
  });
}

/** A function (tile) that reads the pages of {@link keysAhead} ahead. */
function aheadReader(context: Context): Callable<['i32']> {
  const { module, variant, needs, frame, item, scratch } = context;
  const size = variant.pages!;
  const names: readonly RowTensor[] = [
    'key',
    ...(variant.groups === null ? [] : (['keyScales'] as const)),
    ...(needs.sumsValues ? (['value'] as const) : []),
    ...(needs.sumsValues && variant.groups !== null ? (['valueScales'] as const) : []),
  ];
  const isShort = size <= SHORT_PAGE;
  const read = names.map((name) => (isShort ? pagesAhead : runAhead)(context, name));
  return module.function({ parameters: ['i32'] }, (body, tile) => {
    const [key, next, end, page, row, listEnd] = body.locals('i32', 6);
    const list = i32.add(item.scratch, int(scratch.pageList));
    const run = names.map((name, n) =>
      read[n]!(rowAddress(frame, name, [page, item.kvHead, row]), i32.sub(next, key)),
    );
    return [
      listEnd.set(list),
      keysAhead(context, tile, key, end),
      eachRun(
        context,
        body,
        end,
        { key, next, page, row },
        when(i32.ne(page, int(-1)), isShort ? appendPage(listEnd, page) : run),
      ),
      isShort ? read.map((pages) => pages(list, listEnd)) : [],
    ];
  });
}

/** Variables of {@link eachRun}: its first key and the one after its last, its page, and the first key's row in that. */
type Run = Readonly<Record<'key' | 'next' | 'page' | 'row', Variable<'i32'>>>;

/**
 * Runs code for the keys from `key` to `end`, as many at one time as lie one after another: those of a page, or all. In a ring each comes
 * alone. Without pages, the page is the element of the batch.
 */
export function eachRun(
  context: Context,
  body: Locals,
  end: Variable<'i32'>,
  { key, next, page, row }: Run,
  code: Block,
): Block {
  const { variant, frame, item } = context;
  const { pages: size, ring } = variant;
  const table = body.local('i32');
  const inPage =
    size === null
      ? []
      : [
          page.set(i32.divU(key, int(size))),
          next.set(i32.mul(i32.add(page, int(1)), int(size))),
          next.set(minimum(next, end)),
          page.set(i32.load(place(table, page, 4))),
          row.set(i32.remU(key, int(size))),
        ];
  return [
    table.set(place(frame.integer('blockTable'), i32.mul(item.batch, frame.integer('tableColumns')), 4)),
    whileTrue(i32.ltS(key, end), [
      next.set(ring ? i32.add(key, int(1)) : end),
      page.set(item.batch),
      row.set(key),
      toColumn(context, row),
      inPage,
      code,
      key.set(next),
    ]),
  ];
}

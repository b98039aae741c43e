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
import { type Context, maximum, minimum, place } from '../module/context.ts';
import { appendPage, keysAhead, pagesAhead, runAhead, whenAhead } from './ahead.ts';
import { type RowTensor, rowAddress } from '../module/cache-rows.ts';

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
    const [key, next, end, page] = body.locals('i32', 4);
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
      eachPage(context, body, { key, next, end, page }, when(i32.eq(page, int(-1)), note)),
      whenAhead(context, tile, readAhead(tile)),
    ];
  });
}

/** A function (tile) that reads the pages of {@link keysAhead} ahead. */
function aheadReader(context: Context): Callable<['i32']> {
  const { module, variant, needs, item, scratch } = context;
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
    const [key, next, end, page, listEnd] = body.locals('i32', 5);
    const list = i32.add(item.scratch, int(scratch.pageList));
    const run = names.map((name, n) =>
      read[n]!(rowAddress(context, name, page, i32.remU(key, int(size))), i32.sub(next, key)),
    );
    return [
      listEnd.set(list),
      keysAhead(context, tile, key, end),
      eachPage(
        context,
        body,
        { key, next, end, page },
        when(i32.ne(page, int(-1)), isShort ? appendPage(listEnd, page) : run),
      ),
      isShort ? read.map((pages) => pages(list, listEnd)) : [],
    ];
  });
}

/** Runs code for each page of the keys from `key` to `end`, and sets the page and the end of its keys among them. */
export function eachPage(
  { variant, frame, item }: Context,
  body: Locals,
  { key, next, end, page }: Record<'key' | 'next' | 'end' | 'page', Variable<'i32'>>,
  code: Block,
): Block {
  const size = variant.pages!;
  const table = body.local('i32');
  return [
    table.set(place(frame.integer('blockTable'), i32.mul(item.batch, frame.integer('tableColumns')), 4)),
    whileTrue(i32.ltS(key, end), [
      page.set(i32.divU(key, int(size))),
      next.set(i32.mul(i32.add(page, int(1)), int(size))),
      next.set(minimum(next, end)),
      page.set(i32.load(place(table, page, 4))),
      code,
      key.set(next),
    ]),
  ];
}

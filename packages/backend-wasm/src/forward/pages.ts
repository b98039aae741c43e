import { type Block, type Callable, type Code, i32, int, memoryFill, when, whileTrue } from '@heed/core/wasm';
import { type Context, maximum, minimum, place } from '../module/context.ts';
import { appendPage, pagesAhead, runAhead } from './ahead.ts';
import type { RowTensor } from './row-places.ts';

/** In the byte of a key: it has no page. */
export const PAGELESS = 2;

/** Pages of at most so many keys are read ahead several at a time, longer ones in parts. */
const SHORT_PAGE = 64;

/**
 * A function (tile) that turns to the pages of the open tile. It notes which keys have none, for the scores to exclude:
 * `PAGELESS` in their bytes. The others are read ahead where that gains.
 */
export function pageOpener(context: Context): Callable<['i32']> {
  const { module, variant, needs, tiling, frame, item, scratch } = context;
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
    const [key, next, end, page, table, listEnd] = body.locals('i32', 6);
    const list = i32.add(item.scratch, int(scratch.pageList));
    const rowOf = (name: RowTensor): Code<'i32'> =>
      place(
        place(
          place(frame.integer(name), page, frame.integer(`${name}Batch`)),
          item.kvHead,
          frame.integer(`${name}Head`),
        ),
        i32.remU(key, int(size)),
        frame.integer(`${name}Row`),
      );
    const note: Block = [
      when(i32.eqz(item.tileNonFinite), memoryFill(item.nonFiniteAt, int(0), int(tiling.tileKeys))),
      item.tileNonFinite.set(int(1)),
      memoryFill(i32.add(item.nonFiniteAt, i32.sub(key, tile)), int(PAGELESS), i32.sub(next, key)),
    ];
    const readRun = when(
      frame.integer('readsAhead'),
      names.map((name, n) => read[n]!(rowOf(name), i32.sub(next, key))),
    );
    return [
      item.nonFiniteAt.set(i32.add(item.scratch, int(scratch.pageless))),
      item.tileNonFinite.set(int(0)),
      listEnd.set(list),
      table.set(place(frame.integer('blockTable'), i32.mul(item.batch, frame.integer('tableColumns')), 4)),
      end.set(minimum(frame.integer('keyLength'), i32.add(tile, int(tiling.tileKeys)))),
      end.set(minimum(end, item.endKey)),
      key.set(maximum(tile, item.firstKey)),
      whileTrue(i32.ltS(key, end), [
        page.set(i32.divU(key, int(size))),
        next.set(i32.mul(i32.add(page, int(1)), int(size))),
        next.set(minimum(next, end)),
        page.set(i32.load(place(table, page, 4))),
        when(i32.eq(page, int(-1)), note, isShort ? appendPage(listEnd, page) : readRun),
        key.set(next),
      ]),
      isShort
        ? when(
            frame.integer('readsAhead'),
            read.map((pages) => pages(list, listEnd)),
          )
        : [],
    ];
  });
}

import { type Block, type Callable, i32, int, memoryFill, when, whileTrue } from '@heed/core/wasm';
import { type Context, maximum, minimum, place } from '../module/context.ts';
import type { RowTensor } from './row-places.ts';

/** In the byte of a key: it has no page. */
export const PAGELESS = 2;

const LINE_BYTES = 64;

/**
 * A function (tile) that turns to the pages of the open tile. It notes which keys have none, for the scores to exclude:
 * `PAGELESS` in their bytes. Of the others it loads a word of each page, so that the processor looks up their addresses at the
 * same time, then a word of each cache line. Pages lie anywhere, and processors prefetch no further than their ends: loads that
 * wait for nothing are under way at the same time, while those of the products would wait for memory a few at a time (one
 * query, 32,768 keys in pages of 16, 8 heads of 64, in ms: float32 15.1 → 13.3, float16 21 → 10, int8 17 → 9.4; one line of each
 * page gains a tenth of that, every second line half). A word of each page first: float32 11.0 → 10.0; with it and tiles of 512
 * keys instead of 32, float16 8.7 → 7.7, int8 8.2 → 7.8. Loading lines ahead in the loops of the products is slower than nothing.
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
  return module.function({ parameters: ['i32'] }, (body, tile) => {
    const [key, next, end, page, table] = body.locals('i32', 5);
    const [row, rowEnd, step, trace] = body.locals('i32', 4);
    const find = (name: RowTensor): Block => [
      row.set(place(frame.integer(name), page, frame.integer(`${name}Batch`))),
      row.set(place(row, item.kvHead, frame.integer(`${name}Head`))),
    ];
    const touchFirst = (name: RowTensor): Block => [find(name), trace.set(i32.or(trace, i32.load(row)))];
    const touch = (name: RowTensor): Block => [
      step.set(frame.integer(`${name}Row`)),
      find(name),
      row.set(place(row, i32.remU(key, int(size)), step)),
      rowEnd.set(place(row, i32.sub(next, key), step)),
      whileTrue(i32.ltU(row, rowEnd), [
        Array.from({ length: Math.ceil(rowBytes(context, name) / LINE_BYTES) }, (_, n) =>
          trace.set(i32.or(trace, i32.load(row, n * LINE_BYTES))),
        ),
        row.set(i32.add(row, step)),
      ]),
    ];
    const note: Block = [
      when(i32.eqz(item.tileNonFinite), memoryFill(item.nonFiniteAt, int(0), int(tiling.tileKeys))),
      item.tileNonFinite.set(int(1)),
      memoryFill(i32.add(item.nonFiniteAt, i32.sub(key, tile)), int(PAGELESS), i32.sub(next, key)),
    ];
    const eachPage = (code: Block): Block => [
      key.set(maximum(tile, item.firstKey)),
      whileTrue(i32.ltS(key, end), [
        page.set(i32.divU(key, int(size))),
        next.set(i32.mul(i32.add(page, int(1)), int(size))),
        next.set(minimum(next, end)),
        page.set(i32.load(place(table, page, 4))),
        code,
        key.set(next),
      ]),
    ];
    return [
      item.nonFiniteAt.set(i32.add(item.scratch, int(scratch.pageless))),
      item.tileNonFinite.set(int(0)),
      table.set(place(frame.integer('blockTable'), i32.mul(item.batch, frame.integer('tableColumns')), 4)),
      end.set(minimum(frame.integer('keyLength'), i32.add(tile, int(tiling.tileKeys)))),
      end.set(minimum(end, item.endKey)),
      eachPage(when(i32.ne(page, int(-1)), names.map(touchFirst))),
      eachPage(when(i32.eq(page, int(-1)), note, names.map(touch))),
      // Or engines would leave the loads out.
      i32.store(item.scratch, trace, scratch.touched),
    ];
  });
}

/** Bytes of a row that are read. */
function rowBytes({ variant, cache }: Context, name: RowTensor): number {
  const { headDim, valueDim, groups } = variant;
  const source = name === 'key' || name === 'keyScales' ? 'key' : 'value';
  const depth = source === 'key' ? headDim : valueDim;
  if (groups === null) return depth * cache.bytes;
  if (name !== source) return (4 * depth) / groups[source];
  return variant.cache === 'int8' ? depth : depth / 2;
}

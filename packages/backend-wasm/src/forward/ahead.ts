import {
  type Block,
  type Callable,
  type Code,
  type Variable,
  drop,
  i32,
  int,
  when,
  whileTrue,
} from '@heed/core/wasm';
import { type Context, type RowTensor, maximum, minimum, place, rowAddress } from '../module/context.ts';
import { AHEAD_KEYS, PAGES_ABREAST } from '../plan/tiling.ts';

/*
 * Keys and values in memory are brought to the caches a tile ahead, by loads of a word of each line: WebAssembly has no instruction for
 * it. Such loads overlap, since nothing waits for them, while the loops of the products wait for memory a few loads at a time.
 *
 * Four pages are read abreast, because processors prefetch to the end of a page of 4 KB only, and look up its address first. Node 24, one
 * thread, AMD EPYC (Zen 5), 128 MB in blocks of 4 KB in random order, in ms: a sum 10.6 (3.4 in a line); reading ahead alone, one block
 * after another 4.5, two abreast 4.0, four 3.6, eight 3.8; with the words combined, instead of dropped, 0.7 more. A word of each block
 * before the lines, or lines between the instructions of the sum, gain nothing.
 *
 * One query, 32,768 keys of 64, 8 heads, in ms: float32 8.0 → 5.6, in pages of 16 in random order 10.4 → 6.3, float16 in pages 8.1 → 5.7,
 * int8 7.9 → 5.1. Smaller numbers in a line, which processors prefetch by themselves, do not gain for one row: widening them takes longer
 * than memory. In pages they do not overlap: a load of memory keeps all that follow it from retiring. Pages of float16, 2 KB a head, in
 * ms: the loads alone 2.3 (in a line 2.1), computing 4.0, both 6.0; a quarter of each page left out 7.7, half 11.2, all 13.7.
 *
 * Several rows widen to panels, which is work on memory alone. 14 heads on 2, float16, in ms: 512 keys read ahead at one time 3.9, tiles of
 * 32 keys without reading ahead 4.4; in pages 4.1, and 5.3 with pages of one tile of 32 at one time.
 */

const LINE_BYTES = 64;
/** (a, b, c, d, rows, step) */
type Toucher = Callable<['i32', 'i32', 'i32', 'i32', 'i32', 'i32']>;

/** A function that loads a number of each line of as many rows at each of four places. */
function toucher(context: Context, name: RowTensor): Toucher {
  const lines = Math.ceil(rowBytes(context, name) / LINE_BYTES);
  const parameters = ['i32', 'i32', 'i32', 'i32', 'i32', 'i32'] as const;
  return context.module.function({ parameters }, (body, a, b, c, d, rows, step) => {
    const end = body.local('i32');
    const places = [a, b, c, d];
    return [
      end.set(place(a, rows, step)),
      step.set(maximum(step, int(LINE_BYTES))),
      // Loads may trap, so that engines leave none out.
      whileTrue(i32.ltU(a, end), [
        Array.from({ length: lines }, (_, n) => places.map((at) => drop(i32.load(at, n * LINE_BYTES)))),
        places.map((at) => at.set(i32.add(at, step))),
      ]),
    ];
  });
}

/** A function (at, rows) that reads as many rows of a tensor ahead, one after another: four parts of them abreast. */
export function runAhead(context: Context, name: RowTensor): Callable<['i32', 'i32']> {
  const touch = toucher(context, name);
  return context.module.function({ parameters: ['i32', 'i32'] }, (body, at, rows) => {
    const step = body.local('i32');
    const part = (n: number): Code<'i32'> => place(at, i32.mul(rows, int(n)), step);
    return [
      step.set(context.frame.integer(`${name}Row`)),
      rows.set(i32.divU(rows, int(PAGES_ABREAST))),
      touch(at, part(1), part(2), part(3), rows, step),
    ];
  });
}

/** A function (tile) that does this with the rows of {@link keysAhead}, where keys and values lie in a line. */
export function rowsAhead(context: Context): Callable<['i32']> {
  const { module, needs, frame, item } = context;
  const names = needs.sumsValues ? (['key', 'value'] as const) : (['key'] as const);
  const read = names.map((name) => runAhead(context, name));
  return module.function({ parameters: ['i32'] }, (body, tile) => {
    const [first, end] = body.locals('i32', 2);
    return whenAhead(context, tile, [
      keysAhead(context, tile, first, end),
      names.map((name, n) =>
        read[n]!(rowAddress(frame, name, [item.batch, item.kvHead, first]), i32.sub(end, first)),
      ),
    ]);
  });
}

/** Sets the keys that are read ahead with the open tile: up to the next multiple of {@link AHEAD_KEYS}. */
export function keysAhead(
  { item }: Context,
  tile: Code<'i32'>,
  first: Variable<'i32'>,
  end: Variable<'i32'>,
): Block {
  return [
    first.set(maximum(tile, item.firstKey)),
    end.set(i32.add(i32.or(tile, int(AHEAD_KEYS - 1)), int(1))),
    end.set(minimum(end, item.endKey)),
  ];
}

/** Runs code where keys are read ahead: in a first tile, and in those after as many keys as are read at one time. */
export function whenAhead({ frame, item }: Context, tile: Code<'i32'>, code: Block): Code<'none'> {
  const begins = i32.or(i32.eqz(i32.and(tile, int(AHEAD_KEYS - 1))), i32.geS(item.firstKey, tile));
  return when(i32.and(frame.integer('readsAhead'), begins), code);
}

/** A function (list, end) that does this with whole pages, whose numbers are in a list: as many abreast. */
export function pagesAhead(context: Context, name: RowTensor): Callable<['i32', 'i32']> {
  const { module, variant, frame, item } = context;
  const touch = toucher(context, name);
  return module.function({ parameters: ['i32', 'i32'] }, (body, list, end) => {
    const [base, pageBytes] = body.locals('i32', 2);
    const page = (n: number): Code<'i32'> => place(base, i32.load(list, 4 * n), pageBytes);
    return [
      base.set(place(frame.integer(name), item.kvHead, frame.integer(`${name}Head`))),
      pageBytes.set(frame.integer(`${name}Batch`)),
      whileTrue(i32.ltU(list, end), [
        touch(page(0), page(1), page(2), page(3), int(variant.pages!), frame.integer(`${name}Row`)),
        list.set(i32.add(list, int(4 * PAGES_ABREAST))),
      ]),
    ];
  });
}

/** Code that appends a page to a list, and repeats it after that: the last pages are as many, too. */
export function appendPage(end: Variable<'i32'>, page: Code<'i32'>): Block {
  return [
    Array.from({ length: PAGES_ABREAST }, (_, n) => i32.store(end, page, 4 * n)),
    end.set(i32.add(end, int(4))),
  ];
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

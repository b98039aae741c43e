import { type Block, type Code, type Locals, type Variable, i32, int, when } from '@heed/core/wasm';
import { type Context, type RowTensor, minimum, place } from '../module/context.ts';
import { toColumn } from '../module/ring.ts';
import { rowAddresses } from './key-rows.ts';

/** Code that finds rows where they lie, those of as many keys at one time as a vector has lanes. */
export interface RowPlaces {
  /** Before the loop over columns. */
  readonly prepare: Block;
  /**
   * Sets the addresses of the rows of keys `column` and following of the open tile; those past the last key are the last
   * one's, and those of keys without a page are zeros.
   */
  at(column: Variable<'i32'>): Block;
}

interface Rows {
  readonly rows: readonly Variable<'i32'>[];
  /** Address of key 0 of the item's head, in page 0 or in the element's batch. */
  readonly base: Variable<'i32'>;
  /** Bytes from one key to the next, and from one page to the next. */
  readonly step: Variable<'i32'>;
  readonly page: Code<'i32'>;
  readonly prepare: Block;
}

/**
 * @param tile first key of the open tile.
 * @param tensors variables for the addresses of each tensor's rows.
 */
export function rowPlaces(
  context: Context,
  body: Locals,
  tile: Variable<'i32'>,
  tensors: Partial<Readonly<Record<RowTensor, readonly Variable<'i32'>[]>>>,
): RowPlaces {
  const { variant, frame } = context;
  const all = (Object.entries(tensors) as [RowTensor, readonly Variable<'i32'>[]][]).map(([name, rows]) =>
    rowsOf(context, body, name, rows),
  );
  const [key, last] = body.locals('i32', 2);
  const prepare: Block = [
    all.map((one) => one.prepare),
    last.set(i32.sub(frame.integer('keyLength'), int(1))),
  ];
  if (variant.pages !== null) return pagePlaces(context, body, { tile, all, key, last, prepare });
  if (!variant.ring) {
    return {
      prepare: [
        prepare,
        last.set(i32.sub(last, tile)),
        all.map(({ base, step }) => base.set(place(base, tile, step))),
      ],
      at: (column) =>
        all.map(({ rows, base, step }) => rowAddresses(rows, { base, first: column, last, step })),
    };
  }
  const lanes = all[0]!.rows.length;
  return {
    prepare,
    at: (column) =>
      Array.from({ length: lanes }, (_, n) => [
        key.set(i32.add(i32.add(tile, column), int(n))),
        n === 0 ? [] : key.set(minimum(key, last)),
        toColumn(context, key),
        all.map(({ rows, base, step }) => rows[n]!.set(place(base, key, step))),
      ]),
  };
}

function rowsOf(
  { variant, frame, item }: Context,
  body: Locals,
  name: RowTensor,
  rows: readonly Variable<'i32'>[],
): Rows {
  const [base, step] = body.locals('i32', 2);
  const page = frame.integer(`${name}Batch`);
  return {
    rows,
    base,
    step,
    page,
    prepare: [
      step.set(frame.integer(`${name}Row`)),
      base.set(place(frame.integer(name), item.kvHead, frame.integer(`${name}Head`))),
      variant.pages === null ? base.set(place(base, item.batch, page)) : [],
    ],
  };
}

interface Found extends Record<'tile' | 'key' | 'last', Variable<'i32'>> {
  readonly all: readonly Rows[];
  readonly prepare: Block;
}

function pagePlaces(context: Context, body: Locals, { tile, all, key, last, prepare }: Found): RowPlaces {
  const { variant, frame, item, scratch } = context;
  const size = variant.pages!;
  const lanes = all[0]!.rows.length;
  const [table, page] = body.locals('i32', 2);
  const zeros = i32.add(item.scratch, int(scratch.zeros));
  // Tiles begin at multiples of the lanes: where pages do, too, these keys share one.
  const together = size % lanes === 0;
  const find = (n: number): Block => [
    key.set(i32.add(i32.add(tile, column), int(n))),
    n === 0 ? [] : key.set(minimum(key, last)),
    page.set(i32.load(place(table, i32.divU(key, int(size)), 4))),
    key.set(i32.remU(key, int(size))),
  ];
  const rowsFrom = (n: number, end: number): Block =>
    when(
      i32.eq(page, int(-1)),
      all.map(({ rows }) => rows.slice(n, end).map((row) => row.set(zeros))),
      all.map(({ rows, base, step, page: bytes }) =>
        rows
          .slice(n, end)
          .map((row, more) =>
            row.set(
              more === 0 ? place(place(base, page, bytes), key, step) : i32.add(rows[n + more - 1]!, step),
            ),
          ),
      ),
    );
  const column = body.local('i32');
  return {
    prepare: [
      prepare,
      table.set(place(frame.integer('blockTable'), i32.mul(item.batch, frame.integer('tableColumns')), 4)),
    ],
    at: (given) => [
      column.set(given),
      together
        ? [find(0), rowsFrom(0, lanes)]
        : Array.from({ length: lanes }, (_, n) => [find(n), rowsFrom(n, n + 1)]),
    ],
  };
}

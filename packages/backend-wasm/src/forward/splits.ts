import {
  type Block,
  type Callable,
  type Code,
  type Locals,
  type Variable,
  count,
  i32,
  int,
  memoryCopy,
  memoryFill,
  v128,
  when,
} from '@heed/core/wasm';
import type { Element } from '../module/element.ts';
import { exponential } from '../module/exponential.ts';
import { rowFinisher } from './finish.ts';
import { type Context, ITEM_PARAMETERS, place } from '../module/context.ts';
import { RECORD, RECORD_BYTES } from '../plan/records.ts';
import { blockOpener } from './block.ts';
import { openItem } from './item.ts';
import type { Tiling } from '../plan/tiling.ts';

/*
 * Few query rows with many keys: splits of the keys are work items of their own, and their results are merged
 * ("Flash-Decoding for long-context inference", Dao, Haziza, Massa and Sizov 2023). Their starts depend on no length,
 * their number on that of the keys.
 */

/** Row maximum, row sum; then the output, relative to the maximum. */
const SUM = 8;
const OUTPUT = 16;

/** Number of bytes of a row of a split. */
export function partialBytes(tiling: Tiling, element: Element, sumsValues: boolean): number {
  return OUTPUT + (sumsValues ? tiling.valueColumns * element.bytes : 0);
}

/** Address of a split's result for row r of the item's block. */
function partial(
  { element, tiling, needs, frame, item }: Context,
  r: Code<'i32'>,
  split: Code<'i32'>,
): Code<'i32'> {
  const row = i32.add(i32.mul(item.slot, frame.integer('rows')), i32.add(item.firstRow, r));
  return place(
    frame.integer('partials'),
    i32.add(i32.mul(row, frame.integer('splits')), split),
    partialBytes(tiling, element, needs.sumsValues),
  );
}

/** A function () that stores the results of the item's split for the rows of its block. */
export function partialWriter(context: Context): Callable<[]> {
  const { module, element, tiling, needs, item, scratch } = context;
  const { scalar, bytes } = element;
  const rowBytes = tiling.valueColumns * bytes;
  return module.function({ parameters: [] }, (body) => {
    const [r, record, to] = body.locals('i32', 3);
    return count(r, int(0), item.count, 1, [
      record.set(place(i32.add(item.scratch, int(scratch.records)), r, RECORD_BYTES)),
      to.set(partial(context, r, item.split)),
      scalar.store(to, scalar.load(record, RECORD.max)),
      scalar.store(to, scalar.load(record, RECORD.sum), SUM),
      needs.sumsValues
        ? memoryCopy(
            i32.add(to, int(OUTPUT)),
            place(i32.add(item.scratch, int(scratch.output)), r, rowBytes),
            int(rowBytes),
          )
        : [],
    ]);
  });
}

/** Phase `merge` (item: block of query rows of a key/value head): merges the rows of all splits. */
export function mergePhase(context: Context): void {
  const { module, element, tiling, needs, item, scratch } = context;
  const open = blockOpener(context);
  const finish = rowFinisher(context);
  const rowBytes = tiling.valueColumns * element.bytes;
  module.function({ parameters: ITEM_PARAMETERS, name: 'merge' }, (body, index, frame, threadScratch) => {
    const [r, record, output] = body.locals('i32', 3);
    return [
      openItem(context, index, frame, threadScratch, int(1)),
      open(),
      needs.sumsValues
        ? memoryFill(i32.add(item.scratch, int(scratch.output)), int(0), int(tiling.blockRows * rowBytes))
        : [],
      count(r, int(0), item.count, 1, [
        record.set(place(i32.add(item.scratch, int(scratch.records)), r, RECORD_BYTES)),
        output.set(place(i32.add(item.scratch, int(scratch.output)), r, rowBytes)),
        mergeRow(context, body, { r, record, output }),
      ]),
      finish(),
    ];
  });
}

function mergeRow(
  context: Context,
  body: Locals,
  { r, record, output }: Readonly<Record<'r' | 'record' | 'output', Variable<'i32'>>>,
): Block {
  const { element, tiling, needs, frame } = context;
  const { scalar, vector, type } = element;
  const [split, end, from, column] = body.locals('i32', 4);
  const [max, sum] = body.locals(type, 2);
  const share = body.local('v128');
  const exp = exponential(element, body);
  const eachSplit = (code: Block): Block =>
    count(split, int(0), end, 1, [from.set(partial(context, r, split)), code]);
  const to = i32.add(output, column);
  const addOutput = count(column, int(0), int(tiling.valueColumns * element.bytes), 16, [
    v128.store(to, element.madd(v128.load(i32.add(from, column), OUTPUT), share, v128.load(to))),
  ]);
  return [
    exp.prepare,
    end.set(frame.integer('splits')),
    max.set(scalar.const(-Infinity)),
    sum.set(scalar.const(0)),
    eachSplit(max.set(scalar.max(max, scalar.load(from)))),
    // Splits without keys that the row attends to do not count.
    eachSplit(
      when(scalar.ne(scalar.load(from, SUM), scalar.const(0)), [
        share.set(vector.splat(scalar.sub(scalar.load(from), max))),
        share.set(exp.of(share)),
        sum.set(scalar.add(sum, scalar.mul(scalar.load(from, SUM), vector.extract(share, 0)))),
        needs.sumsValues ? addOutput : [],
      ]),
    ),
    scalar.store(record, max, RECORD.max),
    scalar.store(record, sum, RECORD.sum),
  ];
}

import {
  type Block,
  type Callable,
  type Code,
  count,
  i32,
  int,
  memoryCopy,
  memoryFill,
  v128,
} from '@heed/core/wasm';
import { exponential } from '../module/exponential.ts';
import { type Context, minimum } from '../module/context.ts';
import { RECORD, RECORD_BYTES } from '../plan/records.ts';
import { weightsRow } from './selection.ts';

/*
 * Weights need row maximum and row sum, which are known when all scores are. Until then the output `weights` keeps the
 * scores: reading them again costs less than computing them again. Weights of 16 bits cannot keep them, nor can those of a
 * ring, whose columns have another order: the scratch of the thread does, those of a block.
 */

/** Bytes at the end of a thread's scratch that keep the scores of a block; then, in a ring, the weights of a row. */
export function keptBytes(context: Context, blockRows: number, keyLength: number): number {
  const { variant, needs, element } = context;
  if (!keepsInScratch(context) || variant.selection !== 'softmax' || !needs.wants('weights')) return 0;
  return (blockRows + 2) * (keyLength + element.lanes) * element.bytes;
}

function keepsInScratch({ variant, storage }: Context): boolean {
  return storage.half || variant.ring;
}

/** Address of the scores of a row that are kept. */
function keptRow(context: Context, record: Code<'i32'>): Code<'i32'> {
  const { element, frame, item, scratch } = context;
  if (!keepsInScratch(context)) return weightsRow(context, record);
  const r = i32.divU(i32.sub(record, i32.add(item.scratch, int(scratch.records))), int(RECORD_BYTES));
  return i32.add(
    i32.add(item.scratch, int(scratch.bytes)),
    element.size(i32.mul(r, frame.integer('keyLength'))),
  );
}

/** Address of the weights of a row in the order of a ring's keys, before they go to their columns. */
function ringRow({ tiling, element, frame, item, scratch }: Context): Code<'i32'> {
  const kept = i32.mul(frame.integer('keyLength'), int(tiling.blockRows));
  return i32.add(i32.add(item.scratch, int(scratch.bytes)), element.size(i32.add(kept, int(element.lanes))));
}

/** Copies the weights of a row in a ring to their columns. */
function toColumns(context: Context, record: Code<'i32'>): Block {
  const { variant, storage, frame, item } = context;
  if (!variant.ring) return [];
  const row = weightsRow(context, record);
  const from = ringRow(context);
  const straight = i32.sub(frame.integer('keyLength'), item.shift);
  return [
    memoryCopy(i32.add(row, storage.size(item.shift)), from, storage.size(straight)),
    memoryCopy(row, i32.add(from, storage.size(straight)), storage.size(item.shift)),
  ];
}

/** A function (record, scores, tile): keeps the scores of a row with keys from … to of the open tile. */
export function scoreKeeper(context: Context): Callable<['i32', 'i32', 'i32']> {
  const { module, element, frame, item } = context;
  return module.function({ parameters: ['i32', 'i32', 'i32'] }, (body, record, scores, tile) => {
    const end = body.local('i32');
    return [
      end.set(i32.sub(frame.integer('keyLength'), tile)),
      end.set(minimum(end, item.to)),
      memoryCopy(
        i32.add(keptRow(context, record), element.size(i32.add(tile, item.from))),
        i32.add(scores, element.size(item.from)),
        element.size(i32.sub(end, item.from)),
      ),
    ];
  });
}

/** A function (record): the weights of a row, from its scores and the result of the softmax. */
export function weightWriter(context: Context): Callable<['i32']> {
  const { module, variant, element, storage, frame, item, scratch } = context;
  const { vector, scalar, lanes } = element;
  return module.function({ parameters: ['i32'] }, (body, record) => {
    const [row, from, to, whole, end] = body.locals('i32', 5);
    const [score, x, max, factor, lowest] = body.locals('v128', 5);
    const exp = exponential(element, body);
    const vectorTo = (at: Code<'i32'>): Block => [
      score.set(v128.load(from)),
      x.set(vector.sub(score, max)),
      x.set(vector.mul(exp.of(x), factor)),
      // 0 for keys that the row may not attend to, in rows that are non-finite as well.
      x.set(v128.andnot(x, vector.eq(score, lowest))),
      storage.store(body, at, x),
    ];
    const rest = i32.add(item.scratch, int(scratch.scores));
    return [
      exp.prepare,
      max.set(vector.loadSplat(record, RECORD.max)),
      factor.set(vector.loadSplat(record, RECORD.sum)),
      lowest.set(vector.splat(scalar.const(-Infinity))),
      row.set(variant.ring ? ringRow(context) : weightsRow(context, record)),
      from.set(i32.load(record, RECORD.first)),
      end.set(i32.load(record, RECORD.end)),
      // A row that sees no key ends before it begins.
      from.set(minimum(from, end)),
      to.set(i32.add(row, storage.size(from))),
      memoryFill(row, int(0), storage.size(from)),
      whole.set(i32.add(to, storage.size(i32.and(i32.sub(end, from), int(-lanes))))),
      from.set(i32.add(keptRow(context, record), element.size(from))),
      end.set(i32.add(row, storage.size(end))),
      count(to, to, whole, lanes * storage.bytes, [vectorTo(to), from.set(i32.add(from, int(16)))]),
      vectorTo(rest),
      memoryCopy(to, rest, i32.sub(end, to)),
      memoryFill(end, int(0), i32.sub(i32.add(row, storage.size(frame.integer('keyLength'))), end)),
      toColumns(context, record),
    ];
  });
}

import {
  type Block,
  type Callable,
  type Code,
  after,
  count,
  drop,
  i32,
  int,
  v128,
  when,
} from '@heed/core/wasm';
import { type Context, minimum, place } from '../module/context.ts';
import { keysInPlace, rowAddresses, sumsOfLanes, unrolled } from './key-rows.ts';
import { isNarrow, narrowMultiplier, narrowSum } from './narrow.ts';
import { tileWidener } from './widen.ts';
import { isWide } from '../module/cache-rows.ts';
import { rowPacker } from '../module/pack.ts';
import { elementStorage } from '../module/storage.ts';
import type { OnlineSoftmax } from './softmax.ts';
import { RECORD, RECORD_BYTES } from '../plan/records.ts';

/*
 * Few query rows, as in decoding: keys and values are read once, in place. Packing them would read and write them once
 * more, and decoding is bound by memory. Non-finite numbers are looked for in the results, not in the inputs: a product
 * of finite queries with a key is finite exactly if the key is.
 */

/** Bytes from one key of the open tile to the next, or from one value. */
function rowStep(context: Context, source: 'key' | 'value'): Code<'i32'> {
  const { variant, element, frame } = context;
  const depth = source === 'key' ? variant.headDim : variant.valueDim;
  return isWide(context) ? int(depth * element.bytes) : frame.integer(`${source}Row`);
}

/** Function made by `rowGroupScorer`: (rowGroup, tile) → i32. */
export type RowGroupScorer = Callable<['i32', 'i32'], 'i32'>;

/** (query, keys, scores, keyCount) */
export type DirectMultiplier = Callable<['i32', 'i32', 'i32', 'i32']>;

/** A function (query, keys, scores, keyCount): the scores of a row with keys from … to of the open tile. */
export function directMultiplier(context: Context): DirectMultiplier {
  const { module, frame, item } = context;
  const multiply = elementMultiplier(context);
  if (!isNarrow(context)) return multiply;
  const multiplyNarrow = narrowMultiplier(context);
  const widen = tileWidener(context, 'key');
  const parameters = ['i32', 'i32', 'i32', 'i32'] as const;
  return module.function({ parameters }, (body, query, keys, scores, keyCount) => {
    const [tile, done] = body.locals('i32', 2);
    const inPlace = keysInPlace(context, 'key', tile);
    return [
      when(i32.eq(item.count, int(1)), [
        tile.set(i32.sub(frame.integer('keyLength'), keyCount)),
        done.set(multiplyNarrow(query, inPlace, frame.integer('keyRow'), scores, keyCount)),
        when(i32.eqz(done), widen(tile)),
      ]),
      when(i32.eqz(done), multiply(query, keys, scores, keyCount)),
    ];
  });
}

/** The same of keys that are elements: in place, or widened. */
function elementMultiplier(context: Context): DirectMultiplier {
  const { module, variant, element, item } = context;
  const { vector, scalar, lanes, madd } = element;
  const turn = unrolled(variant.headDim / lanes);
  const parameters = ['i32', 'i32', 'i32', 'i32'] as const;
  return module.function({ parameters }, (body, query, keys, scores, keyCount) => {
    const rows = body.locals('i32', lanes);
    const sums = body.locals('v128', lanes);
    const [column, last, end, step, q, qEnd] = body.locals('i32', 6);
    const [elements, nan, zero, score] = body.locals('v128', 4);
    return [
      nan.set(vector.splat(scalar.const(NaN))),
      step.set(rowStep(context, 'key')),
      last.set(i32.sub(keyCount, int(1))),
      end.set(minimum(item.to, keyCount)),
      qEnd.set(i32.add(query, int(variant.headDim * element.bytes))),
      count(column, item.from, end, lanes, [
        rowAddresses(rows, { base: keys, first: column, last, step }),
        sums.map((sum) => sum.set(zero)),
        count(q, query, qEnd, 16 * turn, [
          Array.from({ length: turn }, (_, n) => [
            elements.set(v128.load(q, 16 * n)),
            sums.map((sum, row) => sum.set(madd(elements, v128.load(rows[row], 16 * n), sum))),
          ]),
          rows.map((row) => row.set(i32.add(row, int(16 * turn)))),
        ]),
        score.set(sumsOfLanes(element, sums)),
        v128.store(
          i32.add(scores, element.size(column)),
          v128.bitselect(score, nan, vector.eq(vector.sub(score, score), zero)),
        ),
      ]),
    ];
  });
}

/**
 * A function (exponentials, values, step, valueCount) → i32: the sum of values, by the exponentials of a row with keys
 * from … to of the tile, to `partial` of the scratch. It returns whether all of it is finite.
 */
function directSum({
  module,
  variant,
  element,
  item,
  scratch,
}: Context): Callable<['i32', 'i32', 'i32', 'i32'], 'i32'> {
  const { vector, lanes, madd } = element;
  const vectors = variant.valueDim / lanes;
  const turn = unrolled(vectors);
  const parameters = ['i32', 'i32', 'i32', 'i32'] as const;
  return module.function({ parameters, result: 'i32' }, (body, exponentials, values, step, valueCount) => {
    const rows = body.locals('i32', lanes);
    const factors = body.locals('v128', lanes);
    const [column, last, end, to, toEnd] = body.locals('i32', 5);
    const [sum, zero, trace] = body.locals('v128', 3);
    const start = i32.add(item.scratch, int(scratch.partial));
    const eachVector = (code: (at: number) => Block): Block =>
      count(
        to,
        start,
        toEnd,
        16 * turn,
        Array.from({ length: turn }, (_, n) => code(16 * n)),
      );
    const addRow = (at: number): Block => [
      sum.set(v128.load(to, at)),
      rows.map((row, n) => sum.set(madd(factors[n], v128.load(row, at), sum))),
      v128.store(to, sum, at),
    ];
    const statements: Block = [
      toEnd.set(i32.add(start, int(16 * vectors))),
      last.set(i32.sub(valueCount, int(1))),
      end.set(minimum(item.to, valueCount)),
      eachVector((at) => v128.store(to, zero, at)),
      count(column, item.from, end, lanes, [
        rowAddresses(rows, { base: values, first: column, last, step: step }),
        factors.map((factor, n) =>
          factor.set(vector.loadSplat(i32.add(exponentials, element.size(column)), n * element.bytes)),
        ),
        count(to, start, toEnd, 16 * turn, [
          Array.from({ length: turn }, (_, n) => addRow(16 * n)),
          rows.map((row) => row.set(i32.add(row, int(16 * turn)))),
        ]),
      ]),
      trace.set(vector.eq(zero, zero)),
      eachVector((at) => [
        sum.set(v128.load(to, at)),
        trace.set(v128.and(trace, vector.eq(vector.sub(sum, sum), zero))),
      ]),
    ];
    return after(statements, i32.eqz(v128.anyTrue(v128.not(trace))));
  });
}

/** A function (exponentials, tile, valueCount) → i32: {@link directSum} of the values of the open tile. */
function tileSum(
  context: Context,
  sum: Callable<['i32', 'i32', 'i32', 'i32'], 'i32'>,
): Callable<['i32', 'i32', 'i32'], 'i32'> {
  const { module, frame, item } = context;
  const narrow = isNarrow(context) ? { sum: narrowSum(context), widen: tileWidener(context, 'value') } : null;
  const parameters = ['i32', 'i32', 'i32'] as const;
  return module.function({ parameters, result: 'i32' }, (body, exponentials, tile, valueCount) => {
    const inPlace = keysInPlace(context, 'value', tile);
    const first =
      narrow === null
        ? []
        : when(i32.eq(item.count, int(1)), [
            when(
              narrow.sum(exponentials, inPlace, frame.integer('valueRow'), valueCount),
              body.return(int(1)),
            ),
            narrow.widen(tile),
          ]);
    return after(first, sum(exponentials, item.valueAt, rowStep(context, 'value'), valueCount));
  });
}

/**
 * A function (rowGroup, tile): takes the scores of a row with the open tile into its softmax and its output. If a value
 * is non-finite, it does this again, with NaN for the scores of such keys that are attended to, and with copies of the
 * values that have 0 instead.
 */
export function directAbsorber(
  context: Context,
  score: RowGroupScorer,
  softmax: OnlineSoftmax,
): Callable<['i32', 'i32']> {
  const { module, variant, element, tiling, frame, item, scratch } = context;
  const { vector, scalar, bytes, type } = element;
  const sumValues = directSum(context);
  const sumTile = tileSum(context, sumValues);
  const storage = elementStorage(element);
  const clean = rowPacker(context, { depth: variant.valueDim, step: bytes, scaled: false, storage });
  const rowBytes = variant.valueDim * bytes;
  return module.function({ parameters: ['i32', 'i32'] }, (body, rowGroup, tile) => {
    const [record, scores, keyCount, key, end, from, to] = body.locals('i32', 7);
    const [max, sum] = body.locals(type, 2);
    const factor = body.local('v128');
    const at = (start: number): Code<'i32'> => i32.add(item.scratch, int(start));
    const column = (of: Code<'i32'>): Code<'i32'> => i32.add(scores, element.size(of));
    const absorb = softmax(record, column(item.from), column(item.to), at(scratch.factors));
    const cleanKey: Block = [
      when(
        clean(place(item.valueAt, key, rowStep(context, 'value')), place(at(scratch.values), key, rowBytes)),
        when(
          scalar.ne(scalar.load(column(key)), scalar.const(-Infinity)),
          scalar.store(column(key), scalar.const(NaN)),
        ),
      ),
    ];
    return [
      record.set(place(at(scratch.records), rowGroup, RECORD_BYTES)),
      scores.set(at(scratch.scores)),
      keyCount.set(i32.sub(frame.integer('keyLength'), tile)),
      keyCount.set(minimum(keyCount, int(tiling.tileKeys))),
      max.set(scalar.load(record, RECORD.max)),
      sum.set(scalar.load(record, RECORD.sum)),
      absorb,
      when(i32.eqz(sumTile(scores, tile, keyCount)), [
        scalar.store(record, max, RECORD.max),
        scalar.store(record, sum, RECORD.sum),
        drop(score(rowGroup, tile)),
        end.set(minimum(item.to, keyCount)),
        count(key, item.from, end, 1, cleanKey),
        absorb,
        drop(sumValues(scores, at(scratch.values), int(rowBytes), keyCount)),
      ]),
      factor.set(vector.loadSplat(at(scratch.factors))),
      to.set(place(at(scratch.output), rowGroup, tiling.valueColumns * bytes)),
      from.set(at(scratch.partial)),
      end.set(i32.add(from, int(rowBytes))),
      count(from, from, end, 16, [
        v128.store(to, element.madd(v128.load(to), factor, v128.load(from))),
        to.set(i32.add(to, int(16))),
      ]),
    ];
  });
}

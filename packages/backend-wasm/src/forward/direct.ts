import {
  type Block,
  type Callable,
  type Code,
  type Variable,
  after,
  count,
  drop,
  i32,
  int,
  v128,
  when,
} from '@heed/core/wasm';
import type { Element } from '../module/element.ts';
import { type Context, minimum, place } from '../module/context.ts';
import { rowPacker } from '../module/pack.ts';
import { elementStorage } from '../module/storage.ts';
import type { OnlineSoftmax } from './softmax.ts';
import { RECORD, RECORD_BYTES } from '../plan/records.ts';

/*
 * Few query rows, as in decoding: keys and values are read once, in place. Packing them would read and write them once
 * more, and decoding is bound by memory. Non-finite numbers are looked for in the results, not in the inputs: a product
 * of finite queries with a key is finite exactly if the key is.
 */

/** Number of vectors that a turn of an inner loop handles: as many as divide the row. */
function unrolled(vectors: number): number {
  return [16, 8, 4, 2, 1].find((turns) => vectors % turns === 0)!;
}

/** Bytes from one key of the open tile to the next, or from one value. */
function rowStep({ variant, element, storage, frame }: Context, source: 'key' | 'value'): Code<'i32'> {
  const depth = source === 'key' ? variant.headDim : variant.valueDim;
  return storage.half ? int(depth * element.bytes) : frame.integer(`${source}Row`);
}

/** Addresses of rows from row `first` on; those past the last one are the last one. */
function rowAddresses(
  rows: readonly Variable<'i32'>[],
  { base, first, last, step }: Record<'base' | 'first' | 'last' | 'step', Variable<'i32'>>,
): Block {
  return rows.map((row, n) => [
    row.set(n === 0 ? first : i32.add(first, int(n))),
    row.set(minimum(row, last)),
    row.set(place(base, row, step)),
  ]);
}

/** The sums of the lanes of as many vectors as a vector has lanes, as one vector. */
function sumsOfLanes({ lanes, vector }: Element, [a, b, c, d]: readonly Variable<'v128'>[]): Code<'v128'> {
  const words = (...order: number[]): number[] =>
    order.flatMap((word) => [0, 1, 2, 3].map((n) => 4 * word + n));
  if (lanes === 2) {
    return vector.add(v128.shuffle(a, b, words(0, 1, 4, 5)), v128.shuffle(a, b, words(2, 3, 6, 7)));
  }
  const pairs = (x: Code<'v128'>, y: Code<'v128'>): Code<'v128'> =>
    vector.add(v128.shuffle(x, y, words(0, 4, 1, 5)), v128.shuffle(x, y, words(2, 6, 3, 7)));
  return after(
    [a.set(pairs(a, b)), c.set(pairs(c, d))],
    vector.add(v128.shuffle(a, c, words(0, 1, 4, 5)), v128.shuffle(a, c, words(2, 3, 6, 7))),
  );
}

/** Function made by `rowGroupScorer`: (rowGroup, tile) → i32. */
export type RowGroupScorer = Callable<['i32', 'i32'], 'i32'>;

/** (query, keys, scores, keyCount) */
export type DirectMultiplier = Callable<['i32', 'i32', 'i32', 'i32']>;

/** A function (query, keys, scores, keyCount): the scores of a row with keys from … to of the open tile. */
export function directMultiplier(context: Context): DirectMultiplier {
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
      when(i32.eqz(sumValues(scores, item.valueAt, rowStep(context, 'value'), keyCount)), [
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

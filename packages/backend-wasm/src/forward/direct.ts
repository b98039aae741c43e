import {
  type Block,
  type Callable,
  type Code,
  type Locals,
  type Variable,
  after,
  count,
  drop,
  i32,
  int,
  v128,
  when,
} from '@heed/core/wasm';
import { type Context, minimum, place } from '../module/context.ts';
import { weightDropper } from './dropout.ts';
import { rowAddresses, sumsOfLanes, unrolled } from './key-rows.ts';
import { narrowMultiplier, narrowSum } from './narrow.ts';
import { quantizedMultiplier, quantizedSum } from './quantized.ts';
import { isScattered, readingOf } from '../plan/reading.ts';
import { type RowPlaces, rowPlaces } from './row-places.ts';
import { rowMaker } from '../module/cache-rows.ts';
import { rowPacker } from '../module/pack.ts';
import { elementStorage } from '../module/storage.ts';
import type { OnlineSoftmax } from './softmax.ts';
import { RECORD, RECORD_BYTES } from '../plan/records.ts';

/*
 * Few query rows, as in decoding: keys and values are read once, in place. Packing them would read and write them once
 * more, and decoding is bound by memory. Non-finite numbers are looked for in the results, not in the inputs: a product
 * of finite queries with a key is finite exactly if the key is.
 */

/** Bytes from one value of the open tile to the next, in a panel or in place. */
function valueStep(context: Context): Code<'i32'> {
  const { variant, element, frame } = context;
  return readingOf(context) === 'elements'
    ? frame.integer('valueRow')
    : int(variant.valueDim * element.bytes);
}

/** Function made by `rowGroupScorer`: (rowGroup, tile) → i32. */
export type RowGroupScorer = Callable<['i32', 'i32'], 'i32'>;

/** (query, tile, scores) */
export type DirectMultiplier = Callable<['i32', 'i32', 'i32']>;

/** A function (tile) that writes keys and values of the open tile to a panel, if they are ever read from one. */
type PanelMaker = Callable<['i32']> | null;

/** A function (query, tile, scores): the scores of a row with keys from … to of the open tile. */
export function directMultiplier(context: Context, makePanel: PanelMaker): DirectMultiplier {
  const { module } = context;
  const reading = readingOf(context);
  if (reading === 'quantized') return quantizedMultiplier(context);
  const multiply = elementMultiplier(context);
  if (reading !== 'half' || makePanel === null) return multiply;
  const multiplyNarrow = narrowMultiplier(context);
  return module.function({ parameters: ['i32', 'i32', 'i32'] }, (_, query, tile, scores) =>
    when(i32.eqz(multiplyNarrow(query, tile, scores)), [makePanel(tile), multiply(query, tile, scores)]),
  );
}

/**
 * The same of keys that are elements, in place or in a panel, and of all rows of a row group: two rows share each load of a key, and
 * have eight sums, enough to hide the latency of a multiply-add (14 heads on 2, 32,768 keys of 64: see `forward/README.md`).
 */
function elementMultiplier(context: Context): DirectMultiplier {
  const { module, variant, element, tiling, frame, item } = context;
  const { vector, scalar, lanes, madd } = element;
  const turn = unrolled(variant.headDim / lanes, 16 / tiling.rows);
  const queryBytes = variant.headDim * element.bytes;
  const parameters = ['i32', 'i32', 'i32'] as const;
  return module.function({ parameters }, (body, query, tile, scores) => {
    const rows = body.locals('i32', lanes);
    const sums = Array.from({ length: tiling.rows }, () => body.locals('v128', lanes));
    const elements = body.locals('v128', tiling.rows);
    const [column, end, q, qEnd] = body.locals('i32', 4);
    const [key, nan, zero, score] = body.locals('v128', 4);
    const places =
      readingOf(context) === 'elements'
        ? rowPlaces(context, body, tile, { key: rows })
        : panelPlaces(context, body, tile, rows);
    return [
      nan.set(vector.splat(scalar.const(NaN))),
      places.prepare,
      end.set(minimum(item.to, i32.sub(frame.integer('keyLength'), tile))),
      qEnd.set(i32.add(query, int(queryBytes))),
      count(column, item.from, end, lanes, [
        places.at(column),
        sums.map((own) => own.map((sum) => sum.set(zero))),
        count(q, query, qEnd, 16 * turn, [
          Array.from({ length: turn }, (_, part) => [
            elements.map((own, r) => own.set(v128.load(q, r * queryBytes + 16 * part))),
            rows.map((row, n) => [
              key.set(v128.load(row, 16 * part)),
              sums.map((own, r) => own[n]!.set(madd(elements[r]!, key, own[n]!))),
            ]),
          ]),
          rows.map((row) => row.set(i32.add(row, int(16 * turn)))),
        ]),
        sums.map((own, r) => [
          score.set(sumsOfLanes(element, own)),
          v128.store(
            i32.add(scores, element.size(column)),
            v128.bitselect(score, nan, vector.eq(vector.sub(score, score), zero)),
            r * tiling.scoreStride * element.bytes,
          ),
        ]),
      ]),
    ];
  });
}

/** Places of keys in the panel of the open tile. */
function panelPlaces(
  { variant, element, frame, item }: Context,
  body: Locals,
  tile: Variable<'i32'>,
  rows: readonly Variable<'i32'>[],
): RowPlaces {
  const [last, step] = body.locals('i32', 2);
  return {
    prepare: [
      step.set(int(variant.headDim * element.bytes)),
      last.set(i32.sub(i32.sub(frame.integer('keyLength'), tile), int(1))),
    ],
    at: (column) => rowAddresses(rows, { base: item.keyAt, first: column, last, step }),
  };
}

/**
 * A function (exponentials, values, step, valueCount) → i32: the sums of values, by the exponentials of a row group with keys
 * from … to of the tile, to `partial` of the scratch. It returns whether all of them are finite.
 */
function bufferSum(context: Context): Callable<['i32', 'i32', 'i32', 'i32'], 'i32'> {
  const { module, element } = context;
  const parameters = ['i32', 'i32', 'i32', 'i32'] as const;
  return module.function({ parameters, result: 'i32' }, (body, exponentials, values, step, valueCount) => {
    const rows = body.locals('i32', element.lanes);
    const last = body.local('i32');
    return sumOfRows(
      context,
      body,
      { exponentials, valueCount, rows },
      {
        prepare: last.set(i32.sub(valueCount, int(1))),
        at: (column) => rowAddresses(rows, { base: values, first: column, last, step }),
      },
    );
  });
}

/** A function (exponentials, tile) → i32: the same of the values of the open tile, which are elements where they lie. */
function placedSum(context: Context): Callable<['i32', 'i32'], 'i32'> {
  const { module, element, frame } = context;
  return module.function({ parameters: ['i32', 'i32'], result: 'i32' }, (body, exponentials, tile) => {
    const rows = body.locals('i32', element.lanes);
    const valueCount = i32.sub(frame.integer('keyLength'), tile);
    const places = rowPlaces(context, body, tile, { value: rows });
    return sumOfRows(context, body, { exponentials, valueCount, rows }, places);
  });
}

interface Summands {
  readonly exponentials: Variable<'i32'>;
  readonly valueCount: Code<'i32'>;
  readonly rows: readonly Variable<'i32'>[];
}

function sumOfRows(
  { variant, element, tiling, item, scratch }: Context,
  body: Locals,
  { exponentials, valueCount, rows }: Summands,
  places: RowPlaces,
): Code<'i32'> {
  const { vector, lanes, madd } = element;
  const vectors = variant.valueDim / lanes;
  const turn = unrolled(vectors, 16 / tiling.rows);
  const factors = Array.from({ length: tiling.rows }, () => body.locals('v128', lanes));
  const sums = body.locals('v128', tiling.rows);
  const [column, end, to, toEnd] = body.locals('i32', 4);
  const [value, zero, trace] = body.locals('v128', 3);
  const start = i32.add(item.scratch, int(scratch.partial));
  const eachVector = (code: (at: number) => Block): Block =>
    count(
      to,
      start,
      toEnd,
      16 * turn,
      Array.from({ length: turn }, (_, n) => code(16 * n)),
    );
  const ofRow = (r: number): number => 16 * vectors * r;
  const addRow = (at: number): Block => [
    sums.map((sum, r) => sum.set(v128.load(to, ofRow(r) + at))),
    rows.map((row, n) => [
      value.set(v128.load(row, at)),
      sums.map((sum, r) => sum.set(madd(factors[r]![n]!, value, sum))),
    ]),
    sums.map((sum, r) => v128.store(to, sum, ofRow(r) + at)),
  ];
  const factorAt = (r: number, n: number): Code<'v128'> =>
    vector.loadSplat(
      i32.add(exponentials, element.size(column)),
      (r * tiling.scoreStride + n) * element.bytes,
    );
  const statements: Block = [
    toEnd.set(i32.add(start, int(16 * vectors))),
    places.prepare,
    end.set(minimum(item.to, valueCount)),
    eachVector((at) => sums.map((_, r) => v128.store(to, zero, ofRow(r) + at))),
    count(column, item.from, end, lanes, [
      places.at(column),
      factors.map((own, r) => own.map((factor, n) => factor.set(factorAt(r, n)))),
      count(to, start, toEnd, 16 * turn, [
        Array.from({ length: turn }, (_, n) => addRow(16 * n)),
        rows.map((row) => row.set(i32.add(row, int(16 * turn)))),
      ]),
    ]),
    trace.set(vector.eq(zero, zero)),
    eachVector((at) =>
      sums.map((sum, r) => [
        sum.set(v128.load(to, ofRow(r) + at)),
        trace.set(v128.and(trace, vector.eq(vector.sub(sum, sum), zero))),
      ]),
    ),
  ];
  return after(statements, i32.eqz(v128.anyTrue(v128.not(trace))));
}

/** A function (exponentials, tile, valueCount) → i32: {@link bufferSum} of the values of the open tile. */
function tileSum(
  context: Context,
  sum: Callable<['i32', 'i32', 'i32', 'i32'], 'i32'>,
  makePanel: PanelMaker,
): Callable<['i32', 'i32', 'i32'], 'i32'> {
  const { module, item } = context;
  const inPlace = sumInPlace(context);
  const parameters = ['i32', 'i32', 'i32'] as const;
  return module.function({ parameters, result: 'i32' }, (body, exponentials, tile, valueCount) => {
    const inPanel = sum(exponentials, item.valueAt, valueStep(context), valueCount);
    if (inPlace === null) return inPanel;
    if (makePanel === null) return inPlace(exponentials, tile);
    return after([when(inPlace(exponentials, tile), body.return(int(1))), makePanel(tile)], inPanel);
  });
}

/** A function (exponentials, tile) → i32: the same of values where they lie; null if they are read from a panel. */
function sumInPlace(context: Context): Callable<['i32', 'i32'], 'i32'> | null {
  switch (readingOf(context)) {
    case 'elements':
      return placedSum(context);
    case 'half':
      return narrowSum(context);
    case 'quantized':
      return quantizedSum(context, false);
    case 'panel':
      return null;
  }
}

/** Functions of the module that take part. */
interface DirectParts {
  readonly score: RowGroupScorer;
  readonly softmax: OnlineSoftmax;
  readonly makePanel: PanelMaker;
}

/**
 * A function (rowGroup, tile): takes the scores of a row group with the open tile into its softmax and its output. If a value
 * is non-finite, it does this again, with NaN for the scores of such keys that are attended to, and with copies of the
 * values that have 0 instead.
 */
export function directAbsorber(
  context: Context,
  { score, softmax, makePanel }: DirectParts,
): Callable<['i32', 'i32']> {
  const { module, variant, element, tiling, frame, item, scratch } = context;
  const { vector, scalar, bytes, type } = element;
  const sumValues = bufferSum(context);
  const sumTile = tileSum(context, sumValues, makePanel);
  const isQuantized = readingOf(context) === 'quantized';
  const skipNonFinite = isQuantized ? quantizedSum(context, true) : null;
  const makeValue = isQuantized || isScattered(context) ? rowMaker(context, 'value') : null;
  const dropWeights = variant.dropout ? weightDropper(context) : null;
  const storage = elementStorage(element);
  const clean = rowPacker(context, { depth: variant.valueDim, step: bytes, scaled: false, storage });
  const rowBytes = variant.valueDim * bytes;
  return module.function({ parameters: ['i32', 'i32'] }, (body, rowGroup, tile) => {
    const [record, scores, keyCount, key, end, from, to] = body.locals('i32', 7);
    const maxima = body.locals(type, tiling.rows);
    const sums = body.locals(type, tiling.rows);
    const factor = body.local('v128');
    const eachRow = (code: (r: number) => Block): Block =>
      Array.from({ length: tiling.rows }, (_, r) => code(r));
    const fieldOf = (r: number, field: 'max' | 'sum'): number => r * RECORD_BYTES + RECORD[field];
    const scoresOf = (r: number): number => r * tiling.scoreStride * bytes;
    const at = (start: number): Code<'i32'> => i32.add(item.scratch, int(start));
    const column = (of: Code<'i32'>): Code<'i32'> => i32.add(scores, element.size(of));
    const absorb: Block = [
      softmax(record, column(item.from), column(item.to), at(scratch.factors)),
      dropWeights === null
        ? []
        : eachRow((r) =>
            dropWeights(i32.add(record, int(r * RECORD_BYTES)), i32.add(scores, int(scoresOf(r))), tile),
          ),
    ];
    const value =
      makeValue === null
        ? place(item.valueAt, key, valueStep(context))
        : after(drop(makeValue(i32.add(tile, key), at(scratch.row))), at(scratch.row));
    const cleanKey: Block = [
      when(
        clean(value, place(at(scratch.values), key, rowBytes)),
        eachRow((r) =>
          when(
            scalar.ne(scalar.load(column(key), scoresOf(r)), scalar.const(-Infinity)),
            scalar.store(column(key), scalar.const(NaN), scoresOf(r)),
          ),
        ),
      ),
    ];
    const cleanSum = sumValues(scores, at(scratch.values), int(rowBytes), keyCount);
    return [
      record.set(place(at(scratch.records), rowGroup, RECORD_BYTES)),
      scores.set(at(scratch.scores)),
      keyCount.set(i32.sub(frame.integer('keyLength'), tile)),
      keyCount.set(minimum(keyCount, int(tiling.tileKeys))),
      eachRow((r) => [
        maxima[r]!.set(scalar.load(record, fieldOf(r, 'max'))),
        sums[r]!.set(scalar.load(record, fieldOf(r, 'sum'))),
      ]),
      absorb,
      when(i32.eqz(sumTile(scores, tile, keyCount)), [
        eachRow((r) => [
          scalar.store(record, maxima[r]!, fieldOf(r, 'max')),
          scalar.store(record, sums[r]!, fieldOf(r, 'sum')),
        ]),
        drop(score(rowGroup, tile)),
        end.set(minimum(item.to, keyCount)),
        count(key, item.from, end, 1, cleanKey),
        absorb,
        skipNonFinite === null ? drop(cleanSum) : drop(skipNonFinite(scores, tile)),
      ]),
      from.set(at(scratch.partial)),
      eachRow((r) => [
        factor.set(vector.loadSplat(at(scratch.factors), r * bytes)),
        to.set(place(at(scratch.output), i32.add(rowGroup, int(r)), tiling.valueColumns * bytes)),
        end.set(i32.add(from, int(rowBytes))),
        count(from, from, end, 16, [
          v128.store(to, element.madd(v128.load(to), factor, v128.load(from))),
          to.set(i32.add(to, int(16))),
        ]),
      ]),
    ];
  });
}

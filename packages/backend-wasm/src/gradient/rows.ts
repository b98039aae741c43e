import {
  type Block,
  type Callable,
  type Code,
  type Locals,
  type Variable,
  after,
  count,
  f64,
  i32,
  int,
  memoryFill,
  select,
  v128,
  when,
} from '@heed/core/wasm';
import type { ElementType } from '../module/element.ts';
import { exponential } from '../module/exponential.ts';
import { type Context, place, rowAddress } from '../module/context.ts';
import { rowPacker } from '../module/pack.ts';
import { RECORD, RECORD_BYTES } from '../plan/records.ts';

/**
 * A function (sinkSums): prepares each row of the open block for the gradient, beyond what forward needs. Adds the
 * rows' share of the gradients of the sinks to those sums, one f64 for each query head of the head group.
 *
 * In the records, `max` becomes the row maximum of forward, `sum` the inverse of the row sum, `mean` rowsum(dO ∘ O). An
 * output of 16 bits is rounded too much for that: `mean` and the sinks then wait for `means.ts`.
 * Rows that something non-finite reaches get harmless numbers: they are `nonFinite`, and their scores NaN where they
 * attend.
 */
export function gradientRowOpener(context: Context): Callable<['i32']> {
  const { module, variant, element, storage, tiling, frame, item, scratch } = context;
  const { bytes, scalar, type } = element;
  const { rows, keyColumns, valueColumns } = tiling;
  const { headDim, valueDim } = variant;
  const packQueryRow = rowPacker(context, { depth: headDim, step: bytes, scaled: true });
  const packDOutputRow = rowPacker(context, { depth: valueDim, step: bytes, scaled: false });
  const packDOutput = rowPacker(context, { depth: valueDim, step: rows * bytes, scaled: false });
  const rowMean = storage.half ? notANumber(context) : innerProduct(context);

  return module.function({ parameters: ['i32'] }, (body, sinkSums) => {
    const [r, record, nonFinite, dOutput, query, at] = body.locals('i32', 6);
    const [max, sum, inverse] = body.locals(type, 3);
    const [mean, trace] = body.locals('f64', 2);
    const inScratch = (start: number, index: Code<'i32'>, size: number): Code<'i32'> =>
      place(i32.add(item.scratch, int(start)), index, size);
    const clear = (start: number, size: number): Block =>
      memoryFill(i32.add(item.scratch, int(start)), int(0), int(tiling.blockRows * size * bytes));
    const inGroup = i32.remU(r, int(rows));
    /** 0 of a finite number, else NaN. */
    const nothing = (number: Variable<ElementType>): Code<ElementType> => scalar.sub(number, number);
    const statistic = (name: 'rowMax' | 'rowSum'): Code<ElementType> =>
      scalar.load(i32.add(frame.integer(name), at));
    return [
      clear(scratch.dOutput, valueDim),
      clear(scratch.queryRows, keyColumns),
      clear(scratch.dOutputRows, valueColumns),
      clear(scratch.dQuery, keyColumns),
      count(r, int(0), item.count, 1, [
        record.set(inScratch(scratch.records, r, RECORD_BYTES)),
        at.set(element.size(i32.load(record, RECORD.place))),
        dOutput.set(
          i32.add(
            frame.integer('dOutput'),
            i32.sub(i32.load(record, RECORD.output), frame.integer('output')),
          ),
        ),
        query.set(queryRow(context, record, frame.integer('query'))),
        nonFinite.set(packQueryRow(query, inScratch(scratch.queryRows, r, keyColumns * bytes))),
        nonFinite.set(
          i32.or(nonFinite, packDOutputRow(dOutput, inScratch(scratch.dOutputRows, r, valueColumns * bytes))),
        ),
        nonFinite.set(
          i32.or(
            nonFinite,
            packDOutput(
              dOutput,
              i32.add(
                inScratch(scratch.dOutput, i32.sub(r, inGroup), valueDim * bytes),
                element.size(inGroup),
              ),
            ),
          ),
        ),
        max.set(statistic('rowMax')),
        sum.set(statistic('rowSum')),
        mean.set(rowMean(i32.load(record, RECORD.output), dOutput)),
        // Forward made the statistics NaN for what the scores attend to, and the output for values.
        trace.set(f64.add(element.toF64(scalar.add(nothing(max), nothing(sum))), f64.sub(mean, mean))),
        inverse.set(scalar.div(scalar.const(1), sum)),
        when(
          scalar.eq(sum, scalar.const(0)),
          [max.set(scalar.const(0)), inverse.set(scalar.const(0)), mean.set(f64.const(0))],
          variant.sinks && !storage.half
            ? sinkShare(context, body, { record, sinkSums: sinkSums, max, inverse, mean, trace })
            : [],
        ),
        storage.half ? i32.store(record, scalar.eq(sum, scalar.const(0)), RECORD.empty) : [],
        when(i32.or(nonFinite, f64.ne(trace, f64.const(0))), [
          nonFinite.set(int(1)),
          max.set(scalar.const(0)),
          inverse.set(scalar.const(1)),
          mean.set(f64.const(0)),
        ]),
        i32.store(record, nonFinite, RECORD.nonFinite),
        scalar.store(record, max, RECORD.max),
        scalar.store(record, inverse, RECORD.sum),
        storage.half
          ? f64.store(record, f64.const(0), RECORD.mean)
          : scalar.store(record, element.fromF64(mean), RECORD.mean),
      ]),
    ];
  });
}

/** Address of a record's row in a tensor with the shape of the query. */
export function queryRow({ frame, item }: Context, record: Code<'i32'>, base: Code<'i32'>): Code<'i32'> {
  const row = i32.load(record, RECORD.index);
  return rowAddress(frame, 'query', [item.batch, i32.load(record, RECORD.head), row], base);
}

/**
 * A function (output, dOutput) → f64: rowsum(dO ∘ O), over the elements of the output that are not 0: the output
 * gradient of an empty row reaches nothing.
 */
function innerProduct({ module, variant, element }: Context): Callable<['i32', 'i32'], 'f64'> {
  const { scalar, bytes, type } = element;
  return module.function({ parameters: ['i32', 'i32'], result: 'f64' }, (body, output, dOutput) => {
    const end = body.local('i32');
    const number = body.local(type);
    const sum = body.local('f64');
    const statements: Block = [
      end.set(i32.add(output, int(variant.valueDim * bytes))),
      count(output, output, end, bytes, [
        number.set(scalar.load(output)),
        when(
          scalar.ne(number, scalar.const(0)),
          sum.set(f64.add(sum, f64.mul(element.toF64(number), element.toF64(scalar.load(dOutput))))),
        ),
        dOutput.set(i32.add(dOutput, int(bytes))),
      ]),
    ];
    return after(statements, sum);
  });
}

/** A function (output, dOutput) → f64: NaN if the row of the output has one, otherwise 0. Infinity is a large number. */
function notANumber({ module, variant, element, storage }: Context): Callable<['i32', 'i32'], 'f64'> {
  const { vector } = element;
  return module.function({ parameters: ['i32', 'i32'], result: 'f64' }, (body, output) => {
    const end = body.local('i32');
    const [x, trace] = body.locals('v128', 2);
    const statements: Block = [
      end.set(i32.add(output, int(variant.valueDim * storage.bytes))),
      count(output, output, end, storage.bytes, [
        x.set(storage.loadSplat(body, output)),
        trace.set(v128.or(trace, v128.not(vector.eq(x, x)))),
      ]),
    ];
    return after(statements, select(f64.const(NaN), f64.const(0), v128.anyTrue(trace)));
  });
}

/** − the sink's weight · the row's mean, for sinks other than −∞; NaN where the row is non-finite. */
export function sinkShare(
  { element, frame }: Context,
  body: Locals,
  row: Record<'record' | 'sinkSums', Variable<'i32'>> &
    Record<'max' | 'inverse', Variable<ElementType>> &
    Record<'mean' | 'trace', Variable<'f64'>>,
): Block {
  const { scalar, vector, type } = element;
  const sink = body.local(type);
  const x = body.local('v128');
  const at = body.local('i32');
  const exp = exponential(element, body);
  const head = i32.load(row.record, RECORD.head);
  const share = f64.mul(element.toF64(scalar.mul(vector.extract(x, 0), row.inverse)), f64.neg(row.mean));
  return [
    sink.set(scalar.load(place(frame.integer('sinks'), head, element.bytes))),
    when(scalar.ne(sink, scalar.const(-Infinity)), [
      exp.prepare,
      x.set(vector.splat(scalar.sub(sink, row.max))),
      x.set(exp.of(x)),
      at.set(place(row.sinkSums, i32.remU(head, frame.integer('headGroup')), 8)),
      f64.store(at, f64.add(f64.load(at), select(share, f64.const(NaN), f64.eq(row.trace, f64.const(0))))),
    ]),
  ];
}

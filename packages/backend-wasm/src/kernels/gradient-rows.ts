import type { Code } from '../emit/code.ts';
import { count, select, when } from '../emit/control.ts';
import { f64, i32, int, memoryFill } from '../emit/instructions.ts';
import type { Body, Callable, Variable } from '../emit/module.ts';
import { exponential } from './exponential.ts';
import { type Kernel, place } from './kernel.ts';
import { rowPacker } from './packing.ts';
import { RECORD, RECORD_BYTES } from './records.ts';

/**
 * A function (sinkSums): what the gradient needs of each row of the open block besides what forward needs. Adds the
 * rows' share of the gradients of the sinks to those sums, one f64 for each query head of the group.
 *
 * In the records, `max` becomes the row maximum of forward, `sum` the inverse of the row sum, `mean` rowsum(dO ∘ O).
 * Rows that something not finite reaches get harmless numbers: they are `bad`, and their scores NaN where they attend.
 */
export function gradientRowOpener(kernel: Kernel): Callable {
  const { module, variant, element, tiling, frame, task, scratch } = kernel;
  const { bytes, scalar, type } = element;
  const { rows, keyColumns, valueColumns } = tiling;
  const { headDim, valueDim } = variant;
  const packQueryRow = rowPacker(kernel, { depth: headDim, step: bytes, scaled: true });
  const packDOutputRow = rowPacker(kernel, { depth: valueDim, step: bytes, scaled: false });
  const packDOutput = rowPacker(kernel, { depth: valueDim, step: rows * bytes, scaled: false });
  const rowMean = innerProduct(kernel);

  return module.function({ parameters: ['i32'] }, (body, sinkSums) => {
    const r = body.local('i32');
    const record = body.local('i32');
    const bad = body.local('i32');
    const dOutput = body.local('i32');
    const query = body.local('i32');
    const at = body.local('i32');
    const max = body.local(type);
    const sum = body.local(type);
    const inverse = body.local(type);
    const mean = body.local('f64');
    const trace = body.local('f64');
    const inScratch = (start: number, index: Code, size: number): Code =>
      place(i32.add(task.scratch, int(start)), index, size);
    const clear = (start: number, size: number): Code =>
      memoryFill(i32.add(task.scratch, int(start)), int(0), int(tiling.blockRows * size * bytes));
    const inGroup = i32.remU(r, int(rows));
    /** 0 of a finite number, else NaN. */
    const nothing = (number: Variable): Code => scalar.sub(number, number);
    const statistic = (name: 'rowMax' | 'rowSum'): Code => scalar.load(i32.add(frame.integer(name), at));
    return [
      clear(scratch.dOutput, valueDim),
      clear(scratch.queryRows, keyColumns),
      clear(scratch.dOutputRows, valueColumns),
      clear(scratch.dQuery, keyColumns),
      count(r, int(0), task.count, 1, [
        record.set(inScratch(scratch.records, r, RECORD_BYTES)),
        at.set(element.size(i32.load(record, RECORD.place))),
        dOutput.set(
          i32.add(
            frame.integer('dOutput'),
            i32.sub(i32.load(record, RECORD.output), frame.integer('output')),
          ),
        ),
        query.set(queryRow(kernel, record, frame.integer('query'))),
        bad.set(packQueryRow(query, inScratch(scratch.queryRows, r, keyColumns * bytes))),
        bad.set(
          i32.or(bad, packDOutputRow(dOutput, inScratch(scratch.dOutputRows, r, valueColumns * bytes))),
        ),
        bad.set(
          i32.or(
            bad,
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
          variant.sinks
            ? sinkShare(kernel, body, { record, sinkSums: sinkSums!, max, inverse, mean, trace })
            : [],
        ),
        when(i32.or(bad, f64.ne(trace, f64.const(0))), [
          bad.set(int(1)),
          max.set(scalar.const(0)),
          inverse.set(scalar.const(1)),
          mean.set(f64.const(0)),
        ]),
        i32.store(record, bad, RECORD.bad),
        scalar.store(record, max, RECORD.max),
        scalar.store(record, inverse, RECORD.sum),
        scalar.store(record, element.fromF64(mean), RECORD.mean),
      ]),
    ];
  });
}

/** Address of a record's row in a tensor with the shape of the query. */
export function queryRow({ frame, task }: Kernel, record: Code, base: Code): Code {
  return place(
    place(
      place(base, task.batch, frame.integer('queryBatch')),
      i32.load(record, RECORD.head),
      frame.integer('queryHead'),
    ),
    i32.load(record, RECORD.index),
    frame.integer('queryRow'),
  );
}

/**
 * A function (output, dOutput) → f64: rowsum(dO ∘ O), over the elements of the output that are not 0: what is in the
 * gradient of an empty row reaches nothing.
 */
function innerProduct({ module, variant, element }: Kernel): Callable {
  const { scalar, bytes, type } = element;
  return module.function({ parameters: ['i32', 'i32'], result: 'f64' }, (body, output, dOutput) => {
    const end = body.local('i32');
    const number = body.local(type);
    const sum = body.local('f64');
    return [
      end.set(i32.add(output!, int(variant.valueDim * bytes))),
      count(output!, output!, end, bytes, [
        number.set(scalar.load(output!)),
        when(
          scalar.ne(number, scalar.const(0)),
          sum.set(f64.add(sum, f64.mul(element.toF64(number), element.toF64(scalar.load(dOutput!))))),
        ),
        dOutput!.set(i32.add(dOutput!, int(bytes))),
      ]),
      sum,
    ];
  });
}

/** − the sink's weight · the row's mean, for sinks other than −∞; NaN where the row is not finite. */
function sinkShare(
  { element, frame }: Kernel,
  body: Body,
  row: Record<'record' | 'sinkSums' | 'max' | 'inverse' | 'mean' | 'trace', Variable>,
): Code {
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
      at.set(place(row.sinkSums, i32.remU(head, frame.integer('group')), 8)),
      f64.store(at, f64.add(f64.load(at), select(share, f64.const(NaN), f64.eq(row.trace, f64.const(0))))),
    ]),
  ];
}

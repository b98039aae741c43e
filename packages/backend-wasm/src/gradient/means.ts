import { type Callable, type Code, count, f64, i32, int, select, v128, when } from '@heed/core/wasm';
import { exponential } from '../module/exponential.ts';
import { keptAt, keptWriter } from '../forward/dropout.ts';
import { type Context, place } from '../module/context.ts';
import { RECORD, RECORD_BYTES } from '../plan/records.ts';
import { acrossLanes } from '../forward/softmax.ts';
import { sinkShare } from './rows.ts';

/*
 * rowsum(dO ∘ O) = rowsum(P ∘ dP). The left side is one product for each row, but its O is the rounded output: dP less that
 * sum would have few correct digits in 16-bit types. So the tiles are gone over twice, the first time for the right side.
 */

/** A function (record, scores, tile): adds the share of the open tile to the mean of a row. */
export function meanAdder(context: Context): Callable<['i32', 'i32', 'i32']> {
  const { module, variant, element, item, scratch } = context;
  const { vector, scalar, lanes } = element;
  const writeKept = variant.dropout ? keptWriter(context) : null;
  return module.function({ parameters: ['i32', 'i32', 'i32'] }, (body, record, scores, tile) => {
    const [end, column] = body.locals('i32', 2);
    const [weight, product, sum, max, inverse, zero] = body.locals('v128', 6);
    const exp = exponential(element, body);
    const dScores = scratch.dScores - scratch.scores;
    return [
      exp.prepare,
      max.set(vector.loadSplat(record, RECORD.max)),
      inverse.set(vector.loadSplat(record, RECORD.sum)),
      zero.set(vector.splat(scalar.const(0))),
      writeKept === null ? [] : writeKept(record, tile),
      end.set(i32.add(scores, element.size(item.to))),
      count(scores, scores, end, 16, [
        weight.set(vector.sub(v128.load(scores), max)),
        weight.set(vector.mul(exp.of(weight), inverse)),
        product.set(vector.mul(weight, v128.load(scores, dScores))),
        writeKept === null
          ? []
          : [
              product.set(vector.mul(product, keptAt(context, column))),
              column.set(i32.add(column, int(lanes))),
            ],
        sum.set(vector.add(sum, v128.andnot(product, vector.eq(weight, zero)))),
      ]),
      acrossLanes(element, sum, vector.add),
      f64.store(
        record,
        f64.add(f64.load(record, RECORD.mean), element.toF64(vector.extract(sum, 0))),
        RECORD.mean,
      ),
    ];
  });
}

/** A function (sinkSums): completes the means of the block's rows, and adds their share of the gradients of the sinks. */
export function meanFinisher(context: Context): Callable<['i32']> {
  const { module, variant, element, item, scratch } = context;
  const { scalar, type } = element;
  return module.function({ parameters: ['i32'] }, (body, sinkSums) => {
    const [r, record] = body.locals('i32', 2);
    const [mean, trace] = body.locals('f64', 2);
    const [max, inverse] = body.locals(type, 2);
    const nonFinite = i32.load(record, RECORD.nonFinite);
    const ownSinks = variant.sinks
      ? sinkShare(context, body, { record, sinkSums, max, inverse, mean, trace })
      : [];
    const records: Code<'i32'> = i32.add(item.scratch, int(scratch.records));
    return count(r, int(0), item.count, 1, [
      record.set(place(records, r, RECORD_BYTES)),
      mean.set(f64.load(record, RECORD.mean)),
      // The mean of a non-finite row is NaN, unless the row attends to no key: then nothing in it reaches its sink.
      trace.set(select(f64.sub(mean, mean), f64.const(0), nonFinite)),
      mean.set(select(f64.const(0), mean, nonFinite)),
      max.set(scalar.load(record, RECORD.max)),
      inverse.set(scalar.load(record, RECORD.sum)),
      when(i32.eqz(i32.load(record, RECORD.empty)), ownSinks),
      scalar.store(record, element.fromF64(mean), RECORD.mean),
    ]);
  });
}

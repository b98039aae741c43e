import {
  type Block,
  type Callable,
  type Code,
  type Locals,
  type Variable,
  count,
  i32,
  int,
  memoryFill,
  select,
  v128,
  when,
} from '@heed/core/wasm';
import type { ElementType } from '../module/element.ts';
import type { Storage } from '../module/storage.ts';
import { rowMaker } from '../module/cache-rows.ts';
import { isMade } from '../plan/reading.ts';
import { exponential } from '../module/exponential.ts';
import { type Context, place } from '../module/context.ts';
import { logarithm } from '../module/logarithm.ts';
import { RECORD, RECORD_BYTES } from '../plan/records.ts';
import { weightsRow, writeChoice } from './selection.ts';
import { weightWriter } from './weights.ts';

/**
 * A function () that ends the softmax of the block's rows: adds the sink, and writes statistics and outputs. In the
 * records, `sum` becomes the factor that turns an exponential relative to `max` into a weight.
 */
export function rowFinisher(context: Context): Callable<[]> {
  const { module, variant, needs, element, storage, tiling, frame, item, scratch } = context;
  const { scalar, type } = element;
  const soft = variant.selection === 'softmax';
  const writeOutput = needs.sumsValues ? rowWriter(context, variant.valueDim, storage) : null;
  const writeWeights = soft && needs.wants('weights') ? weightWriter(context) : null;
  const makeValue = !soft && isMade(context) ? rowMaker(context, 'value') : null;
  const log = needs.wants('logSumExp') ? logarithm(module) : null;
  return module.function({ parameters: [] }, (body) => {
    const [r, record, from, at] = body.locals('i32', 4);
    const [max, sum, factor] = body.locals(type, 3);
    const perRow = (name: 'rowMax' | 'rowSum' | 'logSumExp', value: Code<ElementType>): Block =>
      scalar.store(i32.add(frame.integer(name), at), value);
    const clearWeights = (): Block =>
      memoryFill(weightsRow(context, record), int(0), storage.size(frame.integer('keyLength')));
    const writeLogSumExp = (logarithmOf: NonNullable<typeof log>): Block =>
      perRow(
        'logSumExp',
        select(
          scalar.const(-Infinity),
          scalar.add(max, element.fromF64(logarithmOf(element.toF64(sum)))),
          scalar.eq(sum, scalar.const(0)),
        ),
      );
    return [
      record.set(i32.add(item.scratch, int(scratch.records))),
      from.set(i32.add(item.scratch, int(scratch.output))),
      count(r, int(0), item.count, 1, [
        max.set(scalar.load(record, RECORD.max)),
        sum.set(scalar.load(record, RECORD.sum)),
        // A row that attends to nothing: its output, which is 0, stays so.
        factor.set(
          select(scalar.const(0), scalar.div(scalar.const(1), sum), scalar.eq(sum, scalar.const(0))),
        ),
        variant.sinks ? sink(context, body, record, { max, sum, factor }) : [],
        when(scalar.ne(sum, sum), max.set(scalar.const(NaN))),
        at.set(element.size(i32.load(record, RECORD.place))),
        needs.wants('statistics') ? [perRow('rowMax', max), perRow('rowSum', sum)] : [],
        log === null ? [] : writeLogSumExp(log),
        scalar.store(record, factor, RECORD.sum),
        needs.wants('weights') ? (writeWeights?.(record) ?? clearWeights()) : [],
        writeOutput === null
          ? []
          : [
              writeOutput(from, i32.load(record, RECORD.output), factor),
              from.set(i32.add(from, int(tiling.valueColumns * element.bytes))),
            ],
        soft ? [] : writeChoice(context, body, record, makeValue),
        record.set(i32.add(record, int(RECORD_BYTES))),
      ]),
    ];
  });
}

/** Adds the sink to row maximum and row sum. −∞ means no sink; +∞ or NaN spoils rows that attend to anything. */
function sink(
  { frame, element }: Context,
  body: Locals,
  record: Variable<'i32'>,
  { max, sum, factor }: Record<'max' | 'sum' | 'factor', Variable<ElementType>>,
): Block {
  const { scalar, vector, type } = element;
  const logit = body.local(type);
  const x = body.local('v128');
  const [larger, share] = body.locals(type, 2);
  const exp = exponential(element, body);
  const power = (of: Code<ElementType>): Block => [
    x.set(vector.splat(scalar.sub(of, larger))),
    x.set(exp.of(x)),
  ];
  return [
    logit.set(scalar.load(place(frame.integer('sinks'), i32.load(record, RECORD.head), element.bytes))),
    when(
      scalar.ne(scalar.sub(logit, logit), scalar.const(0)),
      when(scalar.ne(logit, scalar.const(-Infinity)), [
        factor.set(select(scalar.const(0), scalar.const(NaN), scalar.eq(sum, scalar.const(0)))),
        sum.set(scalar.const(NaN)),
      ]),
      [
        exp.prepare,
        larger.set(scalar.max(max, logit)),
        power(max),
        share.set(vector.extract(x, 0)),
        power(logit),
        sum.set(scalar.add(scalar.mul(sum, share), vector.extract(x, 0))),
        factor.set(scalar.div(share, sum)),
        max.set(larger),
      ],
    ),
  ];
}

/** A function (from, to, factor) that writes a row of so many elements, each times the factor, to a tensor. */
export function rowWriter(
  { module, element }: Context,
  depth: number,
  storage: Storage,
): Callable<['i32', 'i32', ElementType]> {
  const { vector, lanes, bytes, type } = element;
  return module.function({ parameters: ['i32', 'i32', type] }, (body, from, to, factor) => {
    const end = body.local('i32');
    const [factors, numbers] = body.locals('v128', 2);
    const rest = depth % lanes;
    const load = numbers.set(vector.mul(v128.load(from), factors));
    return [
      factors.set(vector.splat(factor)),
      end.set(i32.add(from, int((depth - rest) * bytes))),
      count(from, from, end, 16, [
        load,
        storage.store(body, to, numbers),
        to.set(i32.add(to, int(lanes * storage.bytes))),
      ]),
      rest === 0 ? [] : load,
      rest === 0 ? [] : storage.store(body, to, numbers, { lanes: rest }),
    ];
  });
}

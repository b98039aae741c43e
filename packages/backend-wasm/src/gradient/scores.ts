import {
  type Block,
  type Callable,
  type Locals,
  type Variable,
  count,
  i32,
  int,
  v128,
  when,
} from '@heed/core/wasm';
import { exponential } from '../module/exponential.ts';
import { keptAt, keptWriter } from '../forward/dropout.ts';
import type { Context } from '../module/context.ts';
import { RECORD } from '../plan/records.ts';
import { acrossLanes } from '../forward/softmax.ts';

/**
 * A function (record, scores, tile, biasSums): for one row with the keys of a tile, turns scores into weights, and
 * gradients of the weights into those of the products, dS = P ∘ (dP − rowsum(dO ∘ O)), both in place. Adds those of the
 * scores to the gradient of the bias: in the result itself if each of its rows belongs to one query, else at
 * biasSums.
 */
export function scoreGradient(context: Context): Callable<['i32', 'i32', 'i32', 'i32']> {
  const { module, variant, element, scratch, item } = context;
  const { vector, scalar, lanes } = element;
  const parameters = ['i32', 'i32', 'i32', 'i32'] as const;
  const writeKept = variant.dropout ? keptWriter(context) : null;
  return module.function({ parameters }, (body, record, scores, tile, biasSums) => {
    const [column, end, at] = body.locals('i32', 3);
    const [weight, dScore, max, inverse, mean, zero, kept] = body.locals('v128', 7);
    const exp = exponential(element, body);
    const dScores = scratch.dScores - scratch.scores;
    const slopes = scratch.slopes - scratch.scores;
    const bias = variant.bias
      ? biasAdder(context, body, {
          record: record,
          tile: tile,
          biasSums: biasSums,
          dScore: dScore,
          column,
        })
      : null;
    const slope = (): Block => [
      dScore.set(vector.mul(dScore, v128.load(at, slopes))),
      // A key without weight may have had a product that overflowed, and a slope that is NaN.
      dScore.set(v128.andnot(dScore, vector.eq(weight, zero))),
    ];
    return [
      exp.prepare,
      writeKept === null ? [] : writeKept(record, tile),
      max.set(vector.loadSplat(record, RECORD.max)),
      inverse.set(vector.loadSplat(record, RECORD.sum)),
      mean.set(vector.loadSplat(record, RECORD.mean)),
      zero.set(vector.splat(scalar.const(0))),
      bias === null ? [] : bias.prepare,
      end.set(item.to),
      count(column, int(0), end, lanes, [
        at.set(i32.add(scores, element.size(column))),
        weight.set(vector.sub(v128.load(at), max)),
        weight.set(vector.mul(exp.of(weight), inverse)),
        dScore.set(v128.load(at, dScores)),
        writeKept === null
          ? v128.store(at, weight)
          : [
              kept.set(keptAt(context, column)),
              v128.store(at, vector.mul(weight, kept)),
              dScore.set(vector.mul(dScore, kept)),
            ],
        dScore.set(vector.mul(weight, vector.sub(dScore, mean))),
        dScore.set(v128.andnot(dScore, vector.eq(weight, zero))),
        bias === null ? [] : bias.add,
        variant.softcap ? slope() : [],
        v128.store(at, dScore, dScores),
      ]),
      bias === null ? [] : bias.finish,
    ];
  });
}

interface BiasAdder {
  readonly prepare: Block;
  /** Code for one vector. */
  readonly add: Block;
  readonly finish: Block;
}

function biasAdder(
  context: Context,
  body: Locals,
  row: Record<'record' | 'tile' | 'biasSums' | 'column', Variable<'i32'>> & {
    readonly dScore: Variable<'v128'>;
  },
): BiasAdder {
  const { variant, element, frame } = context;
  const { vector, scalar, lanes, bytes } = element;
  const start = body.local('i32');
  const key = i32.add(row.tile, row.column);
  const prepare = start.set(variant.biasPerQuery ? i32.load(row.record, RECORD.dBias) : row.biasSums);
  if (!variant.biasPerKey) {
    const sum = body.local('v128');
    return {
      prepare: [prepare, sum.set(vector.splat(scalar.const(0)))],
      add: sum.set(vector.add(sum, row.dScore)),
      finish: [
        acrossLanes(element, sum, vector.add),
        scalar.store(start, scalar.add(scalar.load(start), vector.extract(sum, 0))),
      ],
    };
  }
  const at = body.local('i32');
  const keys = body.local('i32');
  const whole = v128.store(at, vector.add(v128.load(at), row.dScore));
  // A row of the result itself may be followed by one that another thread is writing.
  const single = (n: number): Block =>
    when(
      i32.ltU(i32.add(key, int(n)), keys),
      scalar.store(at, scalar.add(scalar.load(at, n * bytes), vector.extract(row.dScore, n)), n * bytes),
    );
  return {
    prepare: [prepare, keys.set(frame.integer('keyLength'))],
    add: [
      at.set(i32.add(start, element.size(key))),
      when(
        i32.ltU(i32.add(key, int(lanes - 1)), keys),
        whole,
        Array.from({ length: lanes }, (_, n) => single(n)),
      ),
    ],
    finish: [],
  };
}

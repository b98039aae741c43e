import type { Code } from '../emit/code.ts';
import { count, when } from '../emit/control.ts';
import { i32, int, v128 } from '../emit/instructions.ts';
import type { Body, Callable, Variable } from '../emit/module.ts';
import { exponential } from './exponential.ts';
import type { Kernel } from './kernel.ts';
import { RECORD } from './records.ts';
import { acrossLanes } from './softmax.ts';

/**
 * A function (record, scores, tile, biasSums): of one row with the keys of a tile, makes weights of the scores, and of
 * the gradients of the weights those of the products, dS = P ∘ (dP − rowsum(dO ∘ O)), both in place. Adds those of the
 * scores to the gradient of the bias: in the result itself where each of its rows belongs to one query, else at
 * biasSums.
 */
export function scoreGradient(kernel: Kernel): Callable {
  const { module, variant, element, scratch, task } = kernel;
  const { vector, scalar, lanes } = element;
  const parameters = ['i32', 'i32', 'i32', 'i32'] as const;
  return module.function({ parameters }, (body, record, scores, tile, biasSums) => {
    const column = body.local('i32');
    const end = body.local('i32');
    const at = body.local('i32');
    const [weight, dScore, max, inverse, mean, zero] = Array.from({ length: 6 }, () => body.local('v128'));
    const exp = exponential(element, body);
    const dScores = scratch.dScores - scratch.scores;
    const slopes = scratch.slopes - scratch.scores;
    const bias = variant.bias
      ? biasAdder(kernel, body, {
          record: record!,
          tile: tile!,
          biasSums: biasSums!,
          dScore: dScore!,
          column,
        })
      : null;
    const slope = (): Code => [
      dScore!.set(vector.mul(dScore!, v128.load(at, slopes))),
      // What has no weight may have had a product that overflowed, and a slope that is no number.
      dScore!.set(v128.andnot(dScore!, vector.eq(weight!, zero!))),
    ];
    return [
      exp.prepare,
      max!.set(vector.loadSplat(record!, RECORD.max)),
      inverse!.set(vector.loadSplat(record!, RECORD.sum)),
      mean!.set(vector.loadSplat(record!, RECORD.mean)),
      zero!.set(vector.splat(scalar.const(0))),
      bias === null ? [] : bias.prepare,
      end.set(task.to),
      count(column, int(0), end, lanes, [
        at.set(i32.add(scores!, element.size(column))),
        weight!.set(vector.sub(v128.load(at), max!)),
        weight!.set(vector.mul(exp.of(weight!), inverse!)),
        v128.store(at, weight!),
        dScore!.set(vector.mul(weight!, vector.sub(v128.load(at, dScores), mean!))),
        dScore!.set(v128.andnot(dScore!, vector.eq(weight!, zero!))),
        bias === null ? [] : bias.add,
        variant.softcap ? slope() : [],
        v128.store(at, dScore!, dScores),
      ]),
      bias === null ? [] : bias.finish,
    ];
  });
}

interface BiasAdder {
  readonly prepare: Code;
  /** For one vector. */
  readonly add: Code;
  readonly finish: Code;
}

function biasAdder(
  kernel: Kernel,
  body: Body,
  row: Record<'record' | 'tile' | 'biasSums' | 'dScore' | 'column', Variable>,
): BiasAdder {
  const { variant, element, frame } = kernel;
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
  const single = (n: number): Code =>
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

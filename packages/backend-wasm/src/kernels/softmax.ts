import type { Code } from '../emit/code.ts';
import { repeatWhile, when } from '../emit/control.ts';
import { i32, int, v128 } from '../emit/instructions.ts';
import type { Callable, Variable } from '../emit/module.ts';
import type { Element } from './element.ts';
import { exponential } from './exponential.ts';
import type { Kernel } from './kernel.ts';
import { RECORD, RECORD_BYTES } from './records.ts';

/** Makes every lane of a vector what all of them come to, pair by pair: always in the same order. */
export function acrossLanes({ lanes }: Element, value: Variable, combine: (a: Code, b: Code) => Code): Code {
  const combineWith = (distance: number): Code => {
    const bytes = Array.from({ length: 16 }, (_, n) => n ^ ((16 / lanes) * distance));
    return value.set(combine(value, v128.shuffle(value, value, bytes)));
  };
  return lanes === 4 ? [combineWith(1), combineWith(2)] : combineWith(1);
}

/**
 * A function (record, scores, end, factors) for a group of rows: replaces scores by their exponentials, relative to the
 * maximum so far, and brings row maximum and row sum up to date (Milakov and Gimelshein, "Online normalizer calculation
 * for softmax", 2018, algorithm 3). What was summed before is to be multiplied by the row's factor, which it stores.
 * `record` and `scores` are those of the first row, and its scores end at `end`.
 *
 * Two vectors a turn. Two maxima, so that they need not wait for each other; one sum, since the exponential takes all
 * registers. The maximum overlooks NaN; the sum does not.
 */
export function onlineSoftmax({ module, element, tiling }: Kernel): Callable {
  const { vector, scalar, type } = element;
  return module.function(
    { parameters: ['i32', 'i32', 'i32', 'i32'] },
    (body, record, scores, end, factorAt) => {
      const at = body.local('i32');
      const lastFactor = body.local('i32');
      const first = body.local('v128');
      const second = body.local('v128');
      const subtracted = body.local('v128');
      const sum = body.local('v128');
      const x = body.local('v128');
      const before = body.local(type);
      const max = body.local(type);
      const factor = body.local(type);
      const exp = exponential(element, body);

      const eachPair = (turn: Code): Code => [
        at.set(scores!),
        repeatWhile(i32.ltU(at, end!), [turn, at.set(i32.add(at, int(32)))]),
      ];
      const exponentiate = (offset: number): Code => [
        x.set(vector.sub(v128.load(at, offset), subtracted)),
        x.set(exp.of(x)),
        v128.store(at, x, offset),
        sum.set(vector.add(sum, x)),
      ];
      const row = [
        before.set(scalar.load(record!, RECORD.max)),
        first.set(vector.splat(before)),
        second.set(first),
        eachPair([
          first.set(vector.pmax(first, v128.load(at))),
          second.set(vector.pmax(second, v128.load(at, 16))),
        ]),
        first.set(vector.pmax(first, second)),
        acrossLanes(element, first, vector.pmax),
        max.set(vector.extract(first, 0)),
        factor.set(scalar.const(1)),
        when(scalar.ne(before, max), [
          x.set(vector.splat(scalar.sub(before, max))),
          x.set(exp.of(x)),
          factor.set(vector.extract(x, 0)),
          scalar.store(record!, max, RECORD.max),
        ]),
        scalar.store(factorAt!, factor),
        // Nothing attended to so far: −∞ − 0 stays −∞.
        subtracted.set(v128.andnot(first, vector.eq(first, vector.splat(scalar.const(-Infinity))))),
        sum.set(vector.splat(scalar.const(0))),
        eachPair([exponentiate(0), exponentiate(16)]),
        acrossLanes(element, sum, vector.add),
        scalar.store(
          record!,
          scalar.add(scalar.mul(scalar.load(record!, RECORD.sum), factor), vector.extract(sum, 0)),
          RECORD.sum,
        ),
      ];
      const bytes = element.bytes;
      const turn = [
        row,
        record!.set(i32.add(record!, int(RECORD_BYTES))),
        scores!.set(i32.add(scores!, int(tiling.scoreStride * bytes))),
        end!.set(i32.add(end!, int(tiling.scoreStride * bytes))),
      ];
      const last = i32.ltU(factorAt!.tee(i32.add(factorAt!, int(bytes))), lastFactor);
      return [
        exp.prepare,
        lastFactor.set(i32.add(factorAt!, int(tiling.rows * bytes))),
        repeatWhile(last, turn),
      ];
    },
  );
}

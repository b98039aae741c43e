import {
  type Block,
  type Callable,
  type FloatVector,
  type Variable,
  i32,
  int,
  repeatWhile,
  v128,
  when,
} from '@heed/core/wasm';
import type { Element, ElementType } from '../module/element.ts';
import { exponential } from '../module/exponential.ts';
import type { Context } from '../module/context.ts';
import { RECORD, RECORD_BYTES } from '../plan/records.ts';

/** Sets every lane of a vector to the combination of all of them, pair by pair: always in the same order. */
export function acrossLanes(
  { lanes }: Element,
  value: Variable<'v128'>,
  combine: FloatVector<ElementType>['add'],
): Block {
  const combineWith = (distance: number): Block => {
    const bytes = Array.from({ length: 16 }, (_, n) => n ^ ((16 / lanes) * distance));
    return value.set(combine(value, v128.shuffle(value, value, bytes)));
  };
  return lanes === 4 ? [combineWith(1), combineWith(2)] : combineWith(1);
}

/** (record, scores, end, factors) */
export type OnlineSoftmax = Callable<['i32', 'i32', 'i32', 'i32']>;

/**
 * A function (record, scores, end, factors) for a row group: replaces scores by their exponentials, relative to the
 * maximum so far, and brings row maximum and row sum up to date (Milakov and Gimelshein, "Online normalizer calculation
 * for softmax", 2018, algorithm 3). It stores the row's factor, by which earlier sums are to be multiplied.
 * `record` and `scores` are those of the first row, and its scores end at `end`.
 *
 * Two vectors a turn. Two maxima, so that they need not wait for each other; one sum, since the exponential takes all
 * registers. The maximum overlooks NaN; the sum does not.
 */
export function onlineSoftmax({ module, element, tiling }: Context): OnlineSoftmax {
  const { vector, scalar, type } = element;
  return module.function(
    { parameters: ['i32', 'i32', 'i32', 'i32'] },
    (body, record, scores, end, factorAt) => {
      const at = body.local('i32');
      const lastFactor = body.local('i32');
      const [first, second, subtracted, sum, x] = body.locals('v128', 5);
      const [before, max, factor] = body.locals(type, 3);
      const exp = exponential(element, body);

      const eachPair = (turn: Block): Block => [
        at.set(scores),
        repeatWhile(i32.ltU(at, end), [turn, at.set(i32.add(at, int(32)))]),
      ];
      const exponentiate = (offset: number): Block => [
        x.set(vector.sub(v128.load(at, offset), subtracted)),
        x.set(exp.of(x)),
        v128.store(at, x, offset),
        sum.set(vector.add(sum, x)),
      ];
      const row: Block = [
        before.set(scalar.load(record, RECORD.max)),
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
          scalar.store(record, max, RECORD.max),
        ]),
        scalar.store(factorAt, factor),
        // Nothing attended to so far: −∞ − 0 stays −∞.
        subtracted.set(v128.andnot(first, vector.eq(first, vector.splat(scalar.const(-Infinity))))),
        sum.set(vector.splat(scalar.const(0))),
        eachPair([exponentiate(0), exponentiate(16)]),
        acrossLanes(element, sum, vector.add),
        scalar.store(
          record,
          scalar.add(scalar.mul(scalar.load(record, RECORD.sum), factor), vector.extract(sum, 0)),
          RECORD.sum,
        ),
      ];
      const bytes = element.bytes;
      const turn: Block = [
        row,
        record.set(i32.add(record, int(RECORD_BYTES))),
        scores.set(i32.add(scores, int(tiling.scoreStride * bytes))),
        end.set(i32.add(end, int(tiling.scoreStride * bytes))),
      ];
      const last = i32.ltU(factorAt.tee(i32.add(factorAt, int(bytes))), lastFactor);
      return [
        exp.prepare,
        lastFactor.set(i32.add(factorAt, int(tiling.rows * bytes))),
        repeatWhile(last, turn),
      ];
    },
  );
}

import { type Callable, after, count, i32, int, memoryCopy, memoryFill, v128 } from '@heed/core/wasm';
import { exponential } from '../module/exponential.ts';
import { type Context, minimum } from '../module/context.ts';
import { RECORD } from '../plan/records.ts';
import { weightsRow } from './selection.ts';

/*
 * Weights need row maximum and row sum, which are known when all scores are. Until then the output `weights` keeps the
 * scores: reading them again costs less than computing them again.
 */

/** A function (record, scores, tile): keeps the scores of a row with keys from … to of the open tile. */
export function scoreKeeper(context: Context): Callable<['i32', 'i32', 'i32']> {
  const { module, element, frame, item } = context;
  return module.function({ parameters: ['i32', 'i32', 'i32'] }, (body, record, scores, tile) => {
    const end = body.local('i32');
    return [
      end.set(i32.sub(frame.integer('keyLength'), tile)),
      end.set(minimum(end, item.to)),
      memoryCopy(
        i32.add(weightsRow(context, record), element.size(i32.add(tile, item.from))),
        i32.add(scores, element.size(item.from)),
        element.size(i32.sub(end, item.from)),
      ),
    ];
  });
}

/** A function (record): the weights of a row, from its scores and the result of the softmax. */
export function weightWriter(context: Context): Callable<['i32']> {
  const { module, element, frame, item, scratch } = context;
  const { vector, scalar } = element;
  return module.function({ parameters: ['i32'] }, (body, record) => {
    const [row, at, whole, end] = body.locals('i32', 4);
    const [score, x, max, factor, lowest] = body.locals('v128', 5);
    const exp = exponential(element, body);
    const weights = after(
      [score.set(v128.load(at)), x.set(vector.sub(score, max)), x.set(vector.mul(exp.of(x), factor))],
      // 0 for keys that the row may not attend to, in rows that are non-finite as well.
      v128.andnot(x, vector.eq(score, lowest)),
    );
    const rest = i32.add(item.scratch, int(scratch.scores));
    return [
      exp.prepare,
      max.set(vector.loadSplat(record, RECORD.max)),
      factor.set(vector.loadSplat(record, RECORD.sum)),
      lowest.set(vector.splat(scalar.const(-Infinity))),
      row.set(weightsRow(context, record)),
      at.set(i32.load(record, RECORD.first)),
      end.set(i32.load(record, RECORD.end)),
      // A row that sees no key ends before it begins.
      at.set(minimum(at, end)),
      memoryFill(row, int(0), element.size(at)),
      at.set(i32.add(row, element.size(at))),
      end.set(i32.add(row, element.size(end))),
      whole.set(i32.add(at, i32.and(i32.sub(end, at), int(-16)))),
      count(at, at, whole, 16, v128.store(at, weights)),
      v128.store(rest, weights),
      memoryCopy(at, rest, i32.sub(end, at)),
      memoryFill(end, int(0), i32.sub(i32.add(row, element.size(frame.integer('keyLength'))), end)),
    ];
  });
}

import { count } from '../emit/control.ts';
import { i32, memoryCopy, v128 } from '../emit/instructions.ts';
import type { Callable } from '../emit/module.ts';
import { exponential } from './exponential.ts';
import { type Kernel, least } from './kernel.ts';
import { RECORD } from './records.ts';
import { weightsRow } from './selection.ts';

/**
 * A function (record, scores, tile): the weights of a row with the keys of a tile, from its scores and what the softmax
 * came to, to the output `weights`.
 */
export function weightWriter(kernel: Kernel): Callable {
  const { module, element, frame, task } = kernel;
  const { vector, scalar, lanes } = element;
  return module.function({ parameters: ['i32', 'i32', 'i32'] }, (body, record, scores, tile) => {
    const column = body.local('i32');
    const end = body.local('i32');
    const at = body.local('i32');
    const [score, x, max, factor, lowest] = Array.from({ length: 5 }, () => body.local('v128'));
    const exp = exponential(element, body);
    return [
      exp.prepare,
      max!.set(vector.loadSplat(record!, RECORD.max)),
      factor!.set(vector.loadSplat(record!, RECORD.sum)),
      lowest!.set(vector.splat(scalar.const(-Infinity))),
      end.set(task.to),
      count(column, task.from, end, lanes, [
        at.set(i32.add(scores!, element.size(column))),
        score!.set(v128.load(at)),
        x!.set(vector.sub(score!, max!)),
        x!.set(vector.mul(exp.of(x!), factor!)),
        // Where the row may not attend: 0, in rows that are not finite as well.
        v128.store(at, v128.andnot(x!, vector.eq(score!, lowest!))),
      ]),
      end.set(i32.sub(frame.integer('keyLength'), tile!)),
      end.set(i32.sub(least(end, task.to), task.from)),
      memoryCopy(
        i32.add(weightsRow(kernel, record!), element.size(i32.add(tile!, task.from))),
        i32.add(scores!, element.size(task.from)),
        element.size(end),
      ),
    ];
  });
}

import type { Code } from '../emit/code.ts';
import { count } from '../emit/control.ts';
import { i32, int } from '../emit/instructions.ts';
import type { Callable } from '../emit/module.ts';
import { type Kernel, place } from './kernel.ts';
import { multiplyTile } from './multiply.ts';

/** A function (group) that adds the values of the open tile, by the exponentials of a group of rows, to its output. */
export function valueAdder({ module, element, tiling, task, scratch }: Kernel): Callable {
  const { rows, columns, valueColumns, scoreStride } = tiling;
  const { bytes } = element;
  const multiply = multiplyTile(module, element, {
    rows,
    aRow: scoreStride * bytes,
    aStep: bytes,
    bStep: valueColumns * bytes,
    cRow: valueColumns * bytes,
    begin: 'scaled',
  });
  return module.function({ parameters: ['i32'] }, (body, group) => {
    const column = body.local('i32');
    const weights = body.local('i32');
    const end = body.local('i32');
    const values = body.local('i32');
    const output = body.local('i32');
    const at = (place: number): Code => i32.add(task.scratch, int(place));
    return [
      weights.set(at(scratch.scores)),
      end.set(i32.add(weights, element.size(task.to))),
      weights.set(i32.add(weights, element.size(task.from))),
      values.set(place(task.valueAt, task.from, valueColumns * bytes)),
      output.set(place(at(scratch.output), group!, valueColumns * bytes)),
      count(column, int(0), int(valueColumns * bytes), columns * bytes, [
        multiply(weights, i32.add(values, column), i32.add(output, column), end, at(scratch.factors)),
      ]),
    ];
  });
}

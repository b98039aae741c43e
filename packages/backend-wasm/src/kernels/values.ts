import type { Code } from '../emit/code.ts';
import { i32, int } from '../emit/instructions.ts';
import type { Callable } from '../emit/module.ts';
import { type Kernel, place } from './kernel.ts';
import { multiplyTiles } from './multiply.ts';

/** A function (group) that adds the values of the open tile, by the exponentials of a group of rows, to its output. */
export function valueAdder({ module, element, tiling, task, scratch }: Kernel): Callable {
  const { rows, valueColumns, scoreStride } = tiling;
  const { bytes } = element;
  const multiply = multiplyTiles(module, element, {
    rows,
    aRow: scoreStride * bytes,
    aStep: bytes,
    bStep: valueColumns * bytes,
    bTiles: 'rows',
    cRow: valueColumns * bytes,
    begin: 'scaled',
  });
  return module.function({ parameters: ['i32'] }, (body, group) => {
    const weights = body.local('i32');
    const end = body.local('i32');
    const output = body.local('i32');
    const at = (start: number): Code => i32.add(task.scratch, int(start));
    return [
      weights.set(at(scratch.scores)),
      end.set(i32.add(weights, element.size(task.to))),
      weights.set(i32.add(weights, element.size(task.from))),
      output.set(place(at(scratch.output), group!, valueColumns * bytes)),
      multiply(
        weights,
        place(task.valueAt, task.from, valueColumns * bytes),
        output,
        end,
        i32.add(output, int(valueColumns * bytes)),
        at(scratch.factors),
      ),
    ];
  });
}

import { type Callable, type Code, i32, int } from '@heed/core/wasm';
import { type Context, place } from '../module/context.ts';
import { multiplyTiles } from '../module/multiply.ts';

/** A function (rowGroup) that adds the values of the open tile, by the exponentials of a row group, to its output. */
export function valueAdder({ module, element, tiling, item, scratch }: Context): Callable<['i32']> {
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
  return module.function({ parameters: ['i32'] }, (body, rowGroup) => {
    const [weights, end, output] = body.locals('i32', 3);
    const at = (start: number): Code<'i32'> => i32.add(item.scratch, int(start));
    return [
      weights.set(at(scratch.scores)),
      end.set(i32.add(weights, element.size(item.to))),
      weights.set(i32.add(weights, element.size(item.from))),
      output.set(place(at(scratch.output), rowGroup, valueColumns * bytes)),
      multiply(
        weights,
        place(item.valueAt, item.from, valueColumns * bytes),
        output,
        end,
        i32.add(output, int(valueColumns * bytes)),
        at(scratch.factors),
      ),
    ];
  });
}

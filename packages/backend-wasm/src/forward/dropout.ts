import { type Callable, type Code, count, i32, int, select, v128, when } from '@heed/core/wasm';
import { type Context, place } from '../module/context.ts';
import { wordsDrawer } from './selection.ts';

/**
 * A function (record, tile): writes the factors of dropout of a row for the keys of the open tile, 0 or 1 / (1 − p), to
 * `kept` of the scratch: SPEC.md, clause `dropout`. Each four keys of the whole share a block of Philox.
 */
export function keptWriter(context: Context): Callable<['i32', 'i32']> {
  const { module, variant, element, frame, item, scratch } = context;
  const { scalar } = element;
  const draw = wordsDrawer(context);
  return module.function({ parameters: ['i32', 'i32'] }, (body, record, tile) => {
    const [column, end, key, word, threshold] = body.locals('i32', 5);
    const factor = body.local(element.type);
    // The gradient goes over all columns up to the last one.
    const first = variant.pass === 'gradient' ? int(0) : item.from;
    return [
      end.set(item.to),
      threshold.set(frame.integer('dropThreshold')),
      factor.set(element.fromF64(frame.float('kept'))),
      count(column, first, end, 1, [
        key.set(i32.add(i32.add(i32.add(tile, column), item.base), frame.integer('originKey'))),
        when(i32.or(i32.eqz(i32.and(key, int(3))), i32.eq(column, first)), draw(record, key)),
        word.set(i32.load(place(item.scratch, i32.and(key, int(3)), 4), scratch.noise)),
        scalar.store(
          i32.add(item.scratch, element.size(column)),
          select(scalar.const(0), factor, i32.ltU(word, threshold)),
          scratch.kept,
        ),
      ]),
    ];
  });
}

/** The factors of dropout for a vector of keys, of the row that {@link keptWriter} was called for. */
export function keptAt({ element, item, scratch }: Context, column: Code<'i32'>): Code<'v128'> {
  return v128.load(i32.add(item.scratch, element.size(column)), scratch.kept);
}

/** A function (record, scores, tile): multiplies exponentials of a row with the open tile by the factors of dropout. */
export function weightDropper(context: Context): Callable<['i32', 'i32', 'i32']> {
  const { module, element, item } = context;
  const { vector, lanes } = element;
  const write = keptWriter(context);
  return module.function({ parameters: ['i32', 'i32', 'i32'] }, (body, record, scores, tile) => {
    const [column, end, at] = body.locals('i32', 3);
    return [
      write(record, tile),
      end.set(item.to),
      count(column, item.from, end, lanes, [
        at.set(i32.add(scores, element.size(column))),
        v128.store(at, vector.mul(v128.load(at), keptAt(context, column))),
      ]),
    ];
  });
}

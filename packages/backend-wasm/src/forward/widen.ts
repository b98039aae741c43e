import { type Callable, type Code, count, i32, int, v128 } from '@heed/core/wasm';
import { type Context, maximum, minimum, place } from '../module/context.ts';

/**
 * A function () that widens the keys, or the values, of the open tile that some row of the block sees, from where they are
 * to the scratch. It widens whole register tiles, as far as there are keys.
 *
 * @param tile the first key of the tile.
 */
export function tileWidener(context: Context, source: 'key' | 'value'): Callable<['i32']> {
  const { module, variant, element, storage, tiling, frame, item, scratch } = context;
  const depth = source === 'key' ? variant.headDim : variant.valueDim;
  const start = source === 'key' ? scratch.wideKeys : scratch.wideValues;
  const { columns, tileKeys } = tiling;
  // Two vectors a turn, or one.
  const step = depth % (2 * element.lanes) === 0 ? 2 * element.lanes : element.lanes;
  return module.function({ parameters: ['i32'] }, (body, tile) => {
    const [key, end, from, to, row, rowEnd] = body.locals('i32', 6);
    const whole = (keys: Code<'i32'>): Code<'i32'> => i32.and(keys, int(-columns));
    const pair = storage.loadPair(body, row);
    const widen =
      step === element.lanes
        ? v128.store(to, storage.load(body, row))
        : [pair.prepare, v128.store(to, pair.low), v128.store(to, pair.high, 16)];
    return [
      key.set(whole(maximum(i32.sub(item.firstKey, tile), int(0)))),
      end.set(whole(i32.add(i32.sub(item.endKey, tile), int(columns - 1)))),
      end.set(minimum(end, int(tileKeys))),
      from.set(i32.sub(frame.integer('keyLength'), tile)),
      end.set(minimum(end, from)),
      from.set(place(keysInPlace(context, source, tile), key, frame.integer(`${source}Row`))),
      to.set(place(i32.add(item.scratch, int(start)), key, depth * element.bytes)),
      count(key, key, end, 1, [
        row.set(from),
        rowEnd.set(i32.add(row, int(depth * storage.bytes))),
        count(row, row, rowEnd, step * storage.bytes, [
          widen,
          to.set(i32.add(to, int(step * element.bytes))),
        ]),
        from.set(i32.add(from, frame.integer(`${source}Row`))),
      ]),
    ];
  });
}

/** Address of a key of the item's head, or of its value, where it was given. */
export function keysInPlace(
  { frame, item }: Context,
  source: 'key' | 'value',
  key: Code<'i32'>,
): Code<'i32'> {
  const batch = place(frame.integer(source), item.batch, frame.integer(`${source}Batch`));
  return place(place(batch, item.kvHead, frame.integer(`${source}Head`)), key, frame.integer(`${source}Row`));
}

import { type Block, type Callable, type Code, count, i32, int, v128, when } from '@heed/core/wasm';
import { type Context, maximum, minimum, place } from '../module/context.ts';
import { type NarrowReader, narrowReader } from '../module/narrow.ts';
import { keysInPlace } from './key-rows.ts';

/**
 * A function (tile) that widens the keys, or the values, of the open tile that some row of the block sees, from where they
 * are to the scratch. It widens whole register tiles, as far as there are keys. `tile` is the first key of the tile.
 */
export function tileWidener(context: Context, source: 'key' | 'value'): Callable<['i32']> {
  const { module, variant, element, cache, tiling, frame, item, scratch } = context;
  const depth = source === 'key' ? variant.headDim : variant.valueDim;
  const start = source === 'key' ? scratch.wideKeys : scratch.wideValues;
  const { vector, scalar, lanes } = element;
  const { columns, tileKeys } = tiling;
  // Two vectors a turn, or one.
  const step = depth % (2 * lanes) === 0 ? 2 * lanes : lanes;
  return module.function({ parameters: ['i32'] }, (body, tile) => {
    const [key, first, end, from, to, row, rowEnd] = body.locals('i32', 7);
    const power = body.local('v128');
    const whole = (keys: Code<'i32'>): Code<'i32'> => i32.and(keys, int(-columns));
    const reader = step === lanes ? null : narrowReader(cache.dtype, body);
    const pair = cache.loadPair(body, row);
    const exactly =
      step === lanes
        ? v128.store(to, cache.load(body, row))
        : [pair.prepare, v128.store(to, pair.low), v128.store(to, pair.high, 16)];
    const quickly = ({ read, power: exponent }: NarrowReader): Block => {
      const { prepare, vectors } = read(row, 0);
      const scaled = (numbers: Code<'v128'>): Code<'v128'> =>
        exponent === 0 ? numbers : vector.mul(numbers, power);
      return [prepare, vectors.map((numbers, n) => v128.store(to, scaled(numbers), 16 * n))];
    };
    const eachPart = (part: Block): Block => [
      from.set(place(keysInPlace(context, source, tile), first, frame.integer(`${source}Row`))),
      to.set(place(i32.add(item.scratch, int(start)), first, depth * element.bytes)),
      count(key, first, end, 1, [
        rowEnd.set(i32.add(from, int(depth * cache.bytes))),
        count(row, from, rowEnd, step * cache.bytes, [part, to.set(i32.add(to, int(step * element.bytes)))]),
        from.set(i32.add(from, frame.integer(`${source}Row`))),
      ]),
    ];
    return [
      first.set(whole(maximum(i32.sub(item.firstKey, tile), int(0)))),
      end.set(whole(i32.add(i32.sub(item.endKey, tile), int(columns - 1)))),
      end.set(minimum(end, int(tileKeys))),
      from.set(i32.sub(frame.integer('keyLength'), tile)),
      end.set(minimum(end, from)),
      when(i32.geS(first, end), end.set(first)),
      reader === null
        ? eachPart(exactly)
        : [
            reader.prepare,
            power.set(vector.splat(scalar.const(2 ** reader.power))),
            eachPart(quickly(reader)),
            reader.notices === null ? [] : when(reader.notices, eachPart(exactly)),
          ],
    ];
  });
}

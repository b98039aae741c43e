import {
  type Block,
  type Callable,
  type Code,
  type Variable,
  count,
  i32,
  int,
  memoryFill,
  v128,
  when,
} from '@heed/core/wasm';
import { type Source, rowMaker } from '../module/cache-rows.ts';
import { type Context, maximum, minimum, place } from '../module/context.ts';
import { type NarrowReader, narrowReader } from '../module/narrow.ts';
import { keysInPlace } from './key-rows.ts';

/** In the byte of a key: it has no page. */
export const PAGELESS = 2;

/**
 * A function (tile) that widens the keys, or the values, of the open tile that some row of the block sees, from where they
 * are to the scratch. It widens whole register tiles, as far as there are keys. `tile` is the first key of the tile.
 */
export function tileWidener(context: Context, source: Source): Callable<['i32']> {
  const { module, variant, element, cache, frame, item, scratch } = context;
  const depth = source === 'key' ? variant.headDim : variant.valueDim;
  const start = source === 'key' ? scratch.wideKeys : scratch.wideValues;
  const { vector, scalar, lanes } = element;
  // Two vectors a turn, or one.
  const step = depth % (2 * lanes) === 0 ? 2 * lanes : lanes;
  return module.function({ parameters: ['i32'] }, (body, tile) => {
    const [key, first, end, from, to, row, rowEnd] = body.locals('i32', 7);
    const power = body.local('v128');
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
      visibleKeys(context, tile, first, end),
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

/** Sets the keys of the open tile that some row of the block sees, in whole register tiles, as far as there are keys. */
function visibleKeys(
  { tiling, frame, item }: Context,
  tile: Code<'i32'>,
  first: Variable<'i32'>,
  end: Variable<'i32'>,
): Block {
  const { columns, tileKeys } = tiling;
  const whole = (keys: Code<'i32'>): Code<'i32'> => i32.and(keys, int(-columns));
  const keys = i32.sub(frame.integer('keyLength'), tile);
  return [
    first.set(whole(maximum(i32.sub(item.firstKey, tile), int(0)))),
    end.set(whole(i32.add(i32.sub(item.endKey, tile), int(columns - 1)))),
    end.set(minimum(end, int(tileKeys))),
    when(i32.gtS(end, keys), end.set(keys)),
    when(i32.geS(first, end), end.set(first)),
  ];
}

/**
 * A function (tile): the same of keys and values that are made row by row. It notes which keys have no page, for the scores to
 * exclude: 2 in the item's bytes of them.
 */
export function tileMaker(context: Context): Callable<['i32']> {
  const { module, variant, needs, element, tiling, item, scratch } = context;
  const sources: readonly Source[] = needs.sumsValues ? ['key', 'value'] : ['key'];
  const makers = sources.map((source) => ({
    make: rowMaker(context, source),
    start: source === 'key' ? scratch.wideKeys : scratch.wideValues,
    bytes: (source === 'key' ? variant.headDim : variant.valueDim) * element.bytes,
  }));
  return module.function({ parameters: ['i32'] }, (body, tile) => {
    const [key, first, end, exists] = body.locals('i32', 4);
    const at = body.local('i32');
    const rows = makers.map(({ make, start, bytes }) =>
      exists.set(make(at, place(i32.add(item.scratch, int(start)), key, bytes))),
    );
    const pageless = i32.add(item.nonFiniteAt, key);
    return [
      item.nonFiniteAt.set(i32.add(item.scratch, int(scratch.pageless))),
      variant.pages === null
        ? []
        : [memoryFill(item.nonFiniteAt, int(0), int(tiling.tileKeys)), item.tileNonFinite.set(int(0))],
      visibleKeys(context, tile, first, end),
      count(key, first, end, 1, [
        at.set(i32.add(tile, key)),
        rows,
        variant.pages === null
          ? []
          : when(i32.eqz(exists), [i32.store8(pageless, int(PAGELESS)), item.tileNonFinite.set(int(1))]),
      ]),
    ];
  });
}

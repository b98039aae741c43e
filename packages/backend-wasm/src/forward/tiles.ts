import { type Callable, type Code, i32, int, v128, when } from '@heed/core/wasm';
import { isMade } from '../module/cache-rows.ts';
import { type Context, place } from '../module/context.ts';
import { keysInPlace } from './key-rows.ts';
import { isNarrow } from './narrow.ts';
import { tileMaker, tileWidener } from './widen.ts';

/** A function (tile) that turns to the tile of keys that begins at key `tile`. */
export function tileOpener(context: Context): Callable<['i32']> {
  const { module, variant, needs, element, cache, tiling, frame, item, scratch } = context;
  const packed = (
    name: 'packedKey' | 'packedValue' | 'nonFinite',
    index: Code<'i32'>,
    size: number,
  ): Code<'i32'> => place(place(frame.integer(name), item.slot, frame.integer(`${name}Slot`)), index, size);
  const values = variant.pass === 'gradient' ? variant.valueDim : tiling.valueColumns;
  if (variant.direct && isMade(context)) {
    const make = tileMaker(context);
    return module.function({ parameters: ['i32'] }, (_, tile) => [
      item.keyAt.set(i32.add(item.scratch, int(scratch.wideKeys))),
      item.valueAt.set(i32.add(item.scratch, int(scratch.wideValues))),
      make(tile),
    ]);
  }
  if (variant.direct && cache.half) {
    const [widenKeys, widenValues] = [tileWidener(context, 'key'), tileWidener(context, 'value')];
    return module.function({ parameters: ['i32'] }, (_, tile) => [
      item.keyAt.set(i32.add(item.scratch, int(scratch.wideKeys))),
      item.valueAt.set(i32.add(item.scratch, int(scratch.wideValues))),
      // One row reads them in place.
      when(isNarrow(context) ? i32.ne(item.count, int(1)) : int(1), [
        widenKeys(tile),
        needs.sumsValues ? widenValues(tile) : [],
      ]),
    ]);
  }
  if (variant.direct) {
    return module.function({ parameters: ['i32'] }, (_, tile) => [
      item.keyAt.set(keysInPlace(context, 'key', tile)),
      item.valueAt.set(keysInPlace(context, 'value', tile)),
    ]);
  }
  return module.function({ parameters: ['i32'] }, (body, tile) => {
    const nonFinite = body.local('v128');
    return [
      item.keyAt.set(packed('packedKey', tile, variant.headDim * element.bytes)),
      item.valueAt.set(packed('packedValue', tile, values * element.bytes)),
      item.nonFiniteAt.set(packed('nonFinite', tile, 1)),
      Array.from({ length: tiling.tileKeys / 16 }, (_, n) =>
        nonFinite.set(v128.or(nonFinite, v128.load(item.nonFiniteAt, 16 * n))),
      ),
      item.tileNonFinite.set(v128.anyTrue(nonFinite)),
    ];
  });
}

import { type Callable, type Code, v128 } from '@heed/core/wasm';
import { type Context, place } from '../module/context.ts';

/** A function (tile) that turns to the tile of keys that begins at key `tile`. */
export function tileOpener({ module, variant, element, tiling, frame, item }: Context): Callable<['i32']> {
  const packed = (
    name: 'packedKey' | 'packedValue' | 'nonFinite',
    index: Code<'i32'>,
    size: number,
  ): Code<'i32'> => place(place(frame.integer(name), item.slot, frame.integer(`${name}Slot`)), index, size);
  const values = variant.pass === 'gradient' ? variant.valueDim : tiling.valueColumns;
  const inPlace = (name: 'key' | 'value', tile: Code<'i32'>): Code<'i32'> =>
    place(
      place(
        place(frame.integer(name), item.batch, frame.integer(`${name}Batch`)),
        item.kvHead,
        frame.integer(`${name}Head`),
      ),
      tile,
      frame.integer(`${name}Row`),
    );
  if (variant.direct) {
    return module.function({ parameters: ['i32'] }, (_, tile) => [
      item.keyAt.set(inPlace('key', tile)),
      item.valueAt.set(inPlace('value', tile)),
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

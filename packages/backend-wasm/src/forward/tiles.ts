import { type Callable, type Code, i32, int, v128 } from '@heed/core/wasm';
import { type Context, place, rowAddress } from '../module/context.ts';
import { readingOf } from '../plan/reading.ts';
import { rowsAhead } from './ahead.ts';
import { pageOpener } from './pages.ts';

/**
 * A function (tile) that turns to the tile of keys that begins at key `tile`.
 *
 * @param makePanel function that writes the tile's keys and values to a panel, if they are ever read from one.
 */
export function tileOpener(context: Context, makePanel: Callable<['i32']> | null = null): Callable<['i32']> {
  const { module, variant, element, tiling, frame, item, scratch } = context;
  const packed = (
    name: 'packedKey' | 'packedValue' | 'nonFinite',
    index: Code<'i32'>,
    size: number,
  ): Code<'i32'> => place(place(frame.integer(name), item.slot, frame.integer(`${name}Slot`)), index, size);
  const values = variant.pass === 'gradient' ? variant.valueDim : tiling.valueColumns;
  if (variant.direct) {
    const note = variant.pages === null ? null : pageOpener(context);
    const reading = readingOf(context);
    const inLine = variant.pages === null && !variant.ring;
    // One row widens in registers, and memory keeps up with it.
    const readAhead = inLine && (reading === 'elements' || !variant.one) ? rowsAhead(context) : null;
    return module.function({ parameters: ['i32'] }, (_, tile) => [
      note === null ? [] : note(tile),
      readAhead === null ? [] : readAhead(tile),
      makePanel === null
        ? [
            item.keyAt.set(rowAddress(frame, 'key', [item.batch, item.kvHead, tile])),
            item.valueAt.set(rowAddress(frame, 'value', [item.batch, item.kvHead, tile])),
          ]
        : [
            item.keyAt.set(i32.add(item.scratch, int(scratch.wideKeys))),
            item.valueAt.set(i32.add(item.scratch, int(scratch.wideValues))),
            reading === 'panel' ? makePanel(tile) : [],
          ],
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

import {
  type Block,
  type Callable,
  type Code,
  type Variable,
  count,
  drop,
  i32,
  int,
  memoryFill,
  v128,
  when,
} from '@heed/core/wasm';
import { type Source, rowMaker } from '../module/cache-rows.ts';
import { type Context, maximum, minimum, place } from '../module/context.ts';
import { type NarrowReader, narrowReader } from '../module/narrow.ts';
import { keysInPlace, unrolled } from './key-rows.ts';
import { readingOf } from '../plan/reading.ts';

/**
 * A function (tile) that widens the keys, or the values, of the open tile that some row of the block sees, from where they
 * are to the scratch. It widens whole register tiles, as far as there are keys. `tile` is the first key of the tile.
 */
function tileWidener(context: Context, source: Source): Callable<['i32']> {
  const { module, variant, element, cache, frame, item, scratch } = context;
  const depth = source === 'key' ? variant.headDim : variant.valueDim;
  const start = source === 'key' ? scratch.wideKeys : scratch.wideValues;
  const { vector, scalar, lanes } = element;
  // Two vectors a turn, or one.
  const step = depth % (2 * lanes) === 0 ? 2 * lanes : lanes;
  const turn = unrolled(depth / step, 4);
  return module.function({ parameters: ['i32'] }, (body, tile) => {
    const [key, first, end, from, to, row, rowEnd] = body.locals('i32', 7);
    const [table, page, inPage] = body.locals('i32', 3);
    const power = body.local('v128');
    const reader = step === lanes ? null : narrowReader(cache.dtype, body);
    const pair = cache.loadPair(body, row);
    const exactly =
      step === lanes
        ? v128.store(to, cache.load(body, row))
        : [pair.prepare, v128.store(to, pair.low), v128.store(to, pair.high, 16)];
    const scaled = (numbers: Code<'v128'>, exponent: number): Code<'v128'> =>
      exponent === 0 ? numbers : vector.mul(numbers, power);
    const quickly = ({ read, power: exponent }: NarrowReader): Block =>
      Array.from({ length: turn }, (_, part) => {
        const { prepare, vectors } = read(row, part * step * cache.bytes);
        return [
          prepare,
          vectors.map((numbers, n) => v128.store(to, scaled(numbers, exponent), 16 * (2 * part + n))),
        ];
      });
    const rowBytes = depth * element.bytes;
    const eachPart = (part: Block, parts: number): Block => {
      const wholeRow: Block = [
        rowEnd.set(i32.add(from, int(depth * cache.bytes))),
        count(row, from, rowEnd, parts * step * cache.bytes, [
          part,
          to.set(i32.add(to, int(parts * step * element.bytes))),
        ]),
      ];
      return [
        to.set(place(i32.add(item.scratch, int(start)), first, rowBytes)),
        variant.pages === null
          ? [
              from.set(place(keysInPlace(context, source, tile), first, frame.integer(`${source}Row`))),
              count(key, first, end, 1, [wholeRow, from.set(i32.add(from, frame.integer(`${source}Row`)))]),
            ]
          : [
              table.set(tableRow(context)),
              count(key, first, end, 1, [
                inPage.set(i32.add(tile, key)),
                page.set(i32.load(place(table, i32.divU(inPage, int(variant.pages)), 4))),
                inPage.set(i32.remU(inPage, int(variant.pages))),
                from.set(place(frame.integer(source), page, frame.integer(`${source}Batch`))),
                from.set(place(from, item.kvHead, frame.integer(`${source}Head`))),
                from.set(place(from, inPage, frame.integer(`${source}Row`))),
                when(
                  i32.eq(page, int(-1)),
                  [memoryFill(to, int(0), int(rowBytes)), to.set(i32.add(to, int(rowBytes)))],
                  wholeRow,
                ),
              ]),
            ],
      ];
    };
    return [
      visibleKeys(context, tile, first, end),
      reader === null
        ? eachPart(exactly, 1)
        : [
            reader.prepare,
            power.set(vector.splat(scalar.const(2 ** reader.power))),
            eachPart(quickly(reader), turn),
            reader.notices === null ? [] : when(reader.notices, eachPart(exactly, 1)),
          ],
    ];
  });
}

/** Address of the item's row of the block table. */
function tableRow({ frame, item }: Context): Code<'i32'> {
  return place(frame.integer('blockTable'), i32.mul(item.batch, frame.integer('tableColumns')), 4);
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

/** A function (tile) that writes keys and values of the open tile to a panel; nothing where they are elements. */
export function panelMaker(context: Context): Callable<['i32']> | null {
  const { module, variant, needs, cache } = context;
  const reading = readingOf(context);
  if (reading === 'elements' || reading === 'quantized') return null;
  if (variant.ring || !cache.half) return tileMaker(context);
  const [widenKeys, widenValues] = [tileWidener(context, 'key'), tileWidener(context, 'value')];
  return module.function({ parameters: ['i32'] }, (_, tile) => [
    widenKeys(tile),
    needs.sumsValues ? widenValues(tile) : [],
  ]);
}

/** The same as `tileWidener` of keys and values that are made row by row. */
function tileMaker(context: Context): Callable<['i32']> {
  const { module, variant, needs, element, item, scratch } = context;
  const sources: readonly Source[] = needs.sumsValues ? ['key', 'value'] : ['key'];
  const makers = sources.map((source) => ({
    make: rowMaker(context, source),
    start: source === 'key' ? scratch.wideKeys : scratch.wideValues,
    bytes: (source === 'key' ? variant.headDim : variant.valueDim) * element.bytes,
  }));
  return module.function({ parameters: ['i32'] }, (body, tile) => {
    const [key, first, end, at] = body.locals('i32', 4);
    const rows = makers.map(({ make, start, bytes }) =>
      drop(make(at, place(i32.add(item.scratch, int(start)), key, bytes))),
    );
    return [
      visibleKeys(context, tile, first, end),
      count(key, first, end, 1, [at.set(i32.add(tile, key)), rows]),
    ];
  });
}

import {
  type Block,
  type Callable,
  type Code,
  type Locals,
  type Variable,
  count,
  i32,
  int,
  memoryFill,
  v128,
  when,
} from '@heed/core/wasm';
import { type Source, madeRow } from '../module/cache-rows.ts';
import { type Context, maximum, minimum, rowAddress } from '../module/context.ts';
import { narrowReader } from '../module/narrow.ts';
import { unrolled } from './key-rows.ts';
import { eachRun } from './pages.ts';
import { readingOf } from '../plan/reading.ts';

/**
 * A function (tile) that widens the keys, or the values, of the open tile that some row of the block sees, from where they
 * are to the scratch. It widens whole register tiles, as far as there are keys. `tile` is the first key of the tile.
 */
function tileWidener(context: Context, source: Source): Callable<['i32']> {
  const { module, variant, element, frame, item, scratch } = context;
  const depth = source === 'key' ? variant.headDim : variant.valueDim;
  const start = source === 'key' ? scratch.wideKeys : scratch.wideValues;
  const rowBytes = int(depth * element.bytes);
  return module.function({ parameters: ['i32'] }, (body, tile) => {
    const [key, next, first, end, page, row, from, scales, to] = body.locals('i32', 9);
    const inPage = body.local('i32');
    const { fast, exact, notices, prepare } = rowWidener(context, body, source, { row, to, scales });
    const scaleName = variant.groups === null ? null : (`${source}Scales` as const);
    const eachRow = (widen: Block): Block => [
      from.set(rowAddress(frame, source, [page, item.kvHead, inPage])),
      scaleName === null ? [] : scales.set(rowAddress(frame, scaleName, [page, item.kvHead, inPage])),
      count(key, key, next, 1, [
        row.set(from),
        widen,
        from.set(i32.add(from, frame.integer(`${source}Row`))),
        scaleName === null ? [] : scales.set(i32.add(scales, frame.integer(`${scaleName}Row`))),
      ]),
    ];
    const zeros = i32.mul(i32.sub(next, key), rowBytes);
    const eachKey = (widen: Block): Block => [
      to.set(i32.add(item.scratch, i32.add(int(start), i32.mul(first, rowBytes)))),
      key.set(i32.add(tile, first)),
      eachRun(
        context,
        body,
        end,
        { key, next, page, row: inPage },
        when(
          i32.eq(page, int(-1)),
          [memoryFill(to, int(0), zeros), to.set(i32.add(to, zeros))],
          eachRow(widen),
        ),
      ),
    ];
    return [
      visibleKeys(context, tile, first, end),
      end.set(i32.add(tile, end)),
      prepare,
      eachKey(fast),
      notices === null ? [] : when(notices, eachKey(exact)),
    ];
  });
}

interface RowWidener {
  /** Before the loops. */
  readonly prepare: Block;
  /** A row: it moves `row` and `to` to their ends. */
  readonly fast: Block;
  /** The same, for numbers that are not finite. */
  readonly exact: Block;
  /** Code that says whether there were any; null if `fast` is exact. */
  readonly notices: Code<'i32'> | null;
}

function rowWidener(
  context: Context,
  body: Locals,
  source: Source,
  { row, to, scales }: Record<'row' | 'to' | 'scales', Variable<'i32'>>,
): RowWidener {
  const { variant, element, cache } = context;
  const { vector, scalar, lanes } = element;
  const depth = source === 'key' ? variant.headDim : variant.valueDim;
  const exact = madeRow(context, body, source, { row, to, scales });
  // Two vectors a step.
  const step = 2 * lanes;
  if (!cache.half || depth % step !== 0) return { prepare: [], fast: exact, exact, notices: null };
  const rowEnd = body.local('i32');
  const power = body.local('v128');
  const reader = narrowReader(cache.dtype, body);
  const turn = unrolled(depth / step, 4);
  const scaled = (numbers: Code<'v128'>): Code<'v128'> =>
    reader.power === 0 ? numbers : vector.mul(numbers, power);
  const fast: Block = [
    rowEnd.set(i32.add(row, int(depth * cache.bytes))),
    count(row, row, rowEnd, turn * step * cache.bytes, [
      Array.from({ length: turn }, (_, part) => {
        const { prepare, vectors } = reader.read(row, part * step * cache.bytes);
        return [prepare, vectors.map((numbers, n) => v128.store(to, scaled(numbers), 16 * (2 * part + n)))];
      }),
      to.set(i32.add(to, int(turn * step * element.bytes))),
    ]),
  ];
  const prepare: Block = [reader.prepare, power.set(vector.splat(scalar.const(2 ** reader.power)))];
  return { prepare, fast, exact, notices: reader.notices };
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
  const { module, needs } = context;
  const reading = readingOf(context);
  if (reading === 'elements' || reading === 'quantized') return null;
  const [widenKeys, widenValues] = [tileWidener(context, 'key'), tileWidener(context, 'value')];
  return module.function({ parameters: ['i32'] }, (_, tile) => [
    widenKeys(tile),
    needs.sumsValues ? widenValues(tile) : [],
  ]);
}

import {
  type Block,
  type Callable,
  type Code,
  type Locals,
  type Variable,
  after,
  convert,
  count,
  extend,
  i16x8,
  i32,
  i32x4,
  int,
  memoryFill,
  select,
  v128,
  when,
  whileTrue,
} from '@heed/core/wasm';
import { type Context, place, rowAddress } from './context.ts';
import { toColumn } from './ring.ts';
import { upperBytes } from './storage.ts';

/*
 * Keys and values in pages, in a ring, or quantized, are read row by row: to a panel where few query rows read them, and to be packed
 * otherwise.
 */

/** The two tensors of a cache. */
export type Source = 'key' | 'value';

/** (key, to) → i32 */
export type RowMaker = Callable<['i32', 'i32'], 'i32'>;

/** A function (key, to) → i32 that writes a row as elements, 0 where there is no page. Returns whether there is one. */
export function rowMaker(context: Context, source: Source): RowMaker {
  const { module, variant, element, frame, item } = context;
  const { pages } = variant;
  const depth = source === 'key' ? variant.headDim : variant.valueDim;
  return module.function({ parameters: ['i32', 'i32'], result: 'i32' }, (body, key, to) => {
    const [page, row, scales] = body.locals('i32', 3);
    const entry = i32.add(i32.mul(item.batch, frame.integer('tableColumns')), i32.divU(key, int(pages ?? 1)));
    const inPage = pages === null ? key : i32.remU(key, int(pages));
    return after(
      [
        toColumn(context, key),
        page.set(pages === null ? item.batch : i32.load(place(frame.integer('blockTable'), entry, 4))),
        when(i32.eq(page, int(-1)), memoryFill(to, int(0), int(depth * element.bytes)), [
          row.set(rowAddress(frame, source, [page, item.kvHead, inPage])),
          variant.groups === null
            ? []
            : scales.set(rowAddress(frame, `${source}Scales`, [page, item.kvHead, inPage])),
          madeRow(context, body, source, { row, to, scales }),
        ]),
      ],
      i32.ne(page, int(-1)),
    );
  });
}

/** Code that writes a row as elements, and moves `row` and `to` to their ends. */
export function madeRow(
  context: Context,
  body: Locals,
  source: Source,
  { row, to, scales }: Record<'row' | 'to' | 'scales', Variable<'i32'>>,
): Block {
  const { groups, headDim, valueDim, valueStart } = context.variant;
  const depth = source === 'key' ? headDim : valueDim;
  const start = source === 'key' ? 0 : valueStart;
  return groups === null
    ? floatRow(context, body, row, to, depth)
    : quantizedRow(context, body, { row, to, scales, start }, depth, groups[source]);
}

function floatRow(
  { element, cache }: Context,
  body: Locals,
  row: Variable<'i32'>,
  to: Variable<'i32'>,
  depth: number,
): Block {
  const { scalar, vector, lanes, bytes } = element;
  const rest = depth % lanes;
  const end = body.local('i32');
  return [
    end.set(i32.add(row, int((depth - rest) * cache.bytes))),
    count(row, row, end, lanes * cache.bytes, [
      v128.store(to, cache.load(body, row)),
      to.set(i32.add(to, int(lanes * bytes))),
    ]),
    Array.from({ length: rest }, (_, n) =>
      scalar.store(to, vector.extract(cache.loadSplat(body, row, n * cache.bytes), 0), n * bytes),
    ),
  ];
}

interface QuantizedRow {
  readonly row: Variable<'i32'>;
  readonly to: Variable<'i32'>;
  /** Address of the row's first scale. */
  readonly scales: Code<'i32'>;
  /** Numbers to leave out. */
  readonly start: number;
}

/** A row of int8 or of 4 bits, each number times the scale of its group. */
function quantizedRow(
  context: Context,
  body: Locals,
  given: QuantizedRow,
  depth: number,
  group: number,
): Block {
  const { element, variant } = context;
  const { vector } = element;
  const { row, to, scales, start } = given;
  const isSmall = variant.cache === 'int4x2';
  // Numbers in 16 bytes.
  const whole = isSmall ? 32 : 16;
  if (group % whole !== 0 || depth % group !== 0 || start !== 0) {
    return numberByNumber(context, body, given, depth, group);
  }
  const [scale, scaleEnd] = body.locals('i32', 2);
  const [bits, wide, zero, factor, part] = body.locals('v128', 5);
  /** Sixteen numbers from bytes, which are four bits in their upper halves or all of eight, in their order. */
  const sixteen = (bytes: Code<'v128'>, at: number): Block => [
    part.set(bytes),
    ([0, 8] as const).map((first) => [
      wide.set(
        isSmall
          ? i16x8.shrS(upperBytes(zero, part, first), int(12))
          : first === 0
            ? extend.i16x8LowS8(part)
            : extend.i16x8HighS8(part),
      ),
      [extend.i32x4LowS16(wide), extend.i32x4HighS16(wide)].map((integers, half) =>
        v128.store(to, vector.mul(i32x4.toF32(integers), factor), 4 * (at + first + 4 * half)),
      ),
    ]),
  ];
  const low = v128.and(i16x8.shl(bits, int(4)), i16x8.splat(int(0xf0f0)));
  const high = v128.and(bits, i16x8.splat(int(0xf0f0)));
  // Even numbers are in the lower halves of bytes: the two take turns.
  const mixed = (first: 0 | 8): Code<'v128'> => upperBytes(low, high, first);
  const read: Block = [
    bits.set(v128.load(row)),
    isSmall ? [sixteen(mixed(0), 0), sixteen(mixed(8), 16)] : sixteen(bits, 0),
    row.set(i32.add(row, int(16))),
    to.set(i32.add(to, int(4 * whole))),
  ];
  const end = body.local('i32');
  return [
    scale.set(scales),
    scaleEnd.set(i32.add(scale, int((4 * depth) / group))),
    count(scale, scale, scaleEnd, 4, [
      factor.set(vector.loadSplat(scale)),
      end.set(i32.add(row, int((16 * group) / whole))),
      whileTrue(i32.ltU(row, end), read),
    ]),
  ];
}

/** The same for groups that are not whole vectors, and for parts that are not whole groups. */
function numberByNumber(
  { element, variant }: Context,
  body: Locals,
  { row, to, scales, start }: QuantizedRow,
  depth: number,
  group: number,
): Block {
  const { scalar } = element;
  const [k, byte, scale] = body.locals('i32', 3);
  const number =
    variant.cache === 'int4x2'
      ? i32.sub(i32.xor(byte, int(8)), int(8))
      : i32.sub(i32.xor(byte, int(128)), int(128));
  const read =
    variant.cache === 'int4x2'
      ? i32.and(
          i32.shrU(i32.load8U(i32.add(row, i32.shrU(k, int(1)))), select(int(4), int(0), i32.and(k, int(1)))),
          int(15),
        )
      : i32.load8U(i32.add(row, k));
  return [
    scale.set(scales),
    count(k, int(start), int(start + depth), 1, [
      byte.set(read),
      scalar.store(
        to,
        scalar.mul(
          element.fromF64(convert.f64FromI32(number)),
          scalar.load(place(scale, i32.divU(k, int(group)), 4)),
        ),
      ),
      to.set(i32.add(to, int(element.bytes))),
    ]),
  ];
}

import {
  type Block,
  type Callable,
  type Code,
  type Locals,
  after,
  count,
  extend,
  i16x8,
  i32,
  i32x4,
  int,
  v128,
  when,
} from '@heed/core/wasm';
import { type Context, minimum } from '../module/context.ts';
import { upperBytes } from '../module/storage.ts';
import { sumsOfLanes, unrolled } from './key-rows.ts';
import { rowPlaces } from './row-places.ts';

/*
 * One query row, keys and values of int8 or 4 bits: integers become elements in registers, and the scale of a group is a
 * factor of its sum for keys, and of the weight for values. Only scales can be non-finite.
 */

interface IntegerReader {
  /** Bytes that eight numbers take. */
  readonly bytes: 8 | 4;
  /** Reads eight numbers: `prepare` comes before `vectors`, which hold them in their order. */
  read(
    address: Code<'i32'>,
    offset: number,
  ): { readonly prepare: Block; readonly vectors: readonly Code<'v128'>[] };
}

function integerReader({ variant }: Context, body: Locals): IntegerReader {
  const wide = body.local('v128');
  const vectors = [i32x4.toF32(extend.i32x4LowS16(wide)), i32x4.toF32(extend.i32x4HighS16(wide))];
  if (variant.cache === 'int8') {
    return {
      bytes: 8,
      read: (address, offset) => ({ prepare: wide.set(v128.load8x8S(address, offset)), vectors }),
    };
  }
  const [bits, upper, zero] = body.locals('v128', 3);
  // Even numbers are in the lower halves of bytes: the two take turns.
  const mixed = upperBytes(v128.and(i16x8.shl(bits, int(4)), upper), v128.and(bits, upper), 0);
  return {
    bytes: 4,
    read: (address, offset) => ({
      prepare: [
        upper.set(i16x8.splat(int(0xf0f0))),
        bits.set(v128.load32Zero(address, offset)),
        wide.set(i16x8.shrS(upperBytes(zero, mixed, 0), int(12))),
      ],
      vectors,
    }),
  };
}

/**
 * Products with integers come before the scale, and of a query with such a large number they might overflow where the score
 * does not: that query is taken `SHRUNK` times, its scores as often more.
 */
const LARGE = 2 ** 96;
const SHRUNK = 2 ** -32;

/** A function (query, tile, scores): as `directMultiplier`. */
export function quantizedMultiplier(context: Context): Callable<['i32', 'i32', 'i32']> {
  const { module, variant, element, frame, item } = context;
  const { vector, scalar, lanes, madd, bytes } = element;
  const { headDim } = variant;
  const group = variant.groups!.key;
  const turn = unrolled(group / 8, 2);
  const parameters = ['i32', 'i32', 'i32'] as const;
  return module.function({ parameters }, (body, query, tile, scores) => {
    const rows = body.locals('i32', lanes);
    const scales = body.locals('i32', lanes);
    const sums = body.locals('v128', lanes);
    const totals = body.locals('v128', lanes);
    const elements = body.locals('v128', 2);
    const [column, end, q, qEnd, groupEnd] = body.locals('i32', 5);
    const [zero, nan, score, shrink] = body.locals('v128', 4);
    const reader = integerReader(context, body);
    const places = rowPlaces(context, body, tile, { key: rows, keyScales: scales });
    const splat = (x: number): Code<'v128'> => vector.splat(scalar.const(x));
    const isLarge = vector.lt(splat(LARGE), vector.abs(v128.load(q)));
    const dot = (n: number): Block => [
      elements.map((part, half) => part.set(vector.mul(shrink, v128.load(q, (2 * n + half) * 16)))),
      sums.map((sum, row) => {
        const { prepare, vectors } = reader.read(rows[row]!, reader.bytes * n);
        return [prepare, vectors.map((numbers, half) => sum.set(madd(elements[half]!, numbers, sum)))];
      }),
    ];
    const eachGroup: Block = [
      sums.map((sum) => sum.set(zero)),
      count(q, q, groupEnd, 8 * bytes * turn, [
        Array.from({ length: turn }, (_, n) => dot(n)),
        rows.map((row) => row.set(i32.add(row, int(reader.bytes * turn)))),
      ]),
      totals.map((total, row) => total.set(madd(sums[row]!, vector.loadSplat(scales[row]!), total))),
      scales.map((scale) => scale.set(i32.add(scale, int(4)))),
    ];
    return [
      nan.set(splat(NaN)),
      shrink.set(splat(1)),
      places.prepare,
      end.set(minimum(item.to, i32.sub(frame.integer('keyLength'), tile))),
      qEnd.set(i32.add(query, int(headDim * bytes))),
      count(q, query, qEnd, 16, when(v128.anyTrue(isLarge), shrink.set(splat(SHRUNK)))),
      count(column, item.from, end, lanes, [
        places.at(column),
        totals.map((total) => total.set(zero)),
        q.set(query),
        count(groupEnd, i32.add(query, int(group * bytes)), i32.add(qEnd, int(1)), group * bytes, eachGroup),
        score.set(vector.div(sumsOfLanes(element, totals), shrink)),
        v128.store(
          i32.add(scores, element.size(column)),
          v128.bitselect(score, nan, vector.eq(vector.sub(score, score), zero)),
        ),
      ]),
    ];
  });
}

/**
 * A function (exponentials, tile) → i32: as that of `placedSum`.
 *
 * @param skips whether keys with a non-finite scale count as zeros, instead of spoiling the sum.
 */
export function quantizedSum(context: Context, skips: boolean): Callable<['i32', 'i32'], 'i32'> {
  const { module, variant, element, frame, item, scratch } = context;
  const { vector, lanes, madd, bytes } = element;
  const { valueDim } = variant;
  const group = variant.groups!.value;
  const turn = unrolled(group / 8, 2);
  const parameters = ['i32', 'i32'] as const;
  return module.function({ parameters, result: 'i32' }, (body, exponentials, tile) => {
    const rows = body.locals('i32', lanes);
    const scales = body.locals('i32', lanes);
    const factors = body.locals('v128', lanes);
    const sums = body.locals('v128', 2);
    const [column, end, to, toEnd, groupEnd] = body.locals('i32', 5);
    const [sum, zero, trace, scale] = body.locals('v128', 4);
    const reader = integerReader(context, body);
    const places = rowPlaces(context, body, tile, { value: rows, valueScales: scales });
    const start = i32.add(item.scratch, int(scratch.partial));
    const addRows = (n: number): Block => [
      sums.map((part, half) => part.set(v128.load(to, 16 * (2 * n + half)))),
      rows.map((row, r) => {
        const { prepare, vectors } = reader.read(row, reader.bytes * n);
        return [
          prepare,
          vectors.map((numbers, half) => sums[half]!.set(madd(factors[r]!, numbers, sums[half]!))),
        ];
      }),
      sums.map((part, half) => v128.store(to, part, 16 * (2 * n + half))),
    ];
    const isFinite = vector.eq(vector.sub(scale, scale), zero);
    const eachGroup: Block = [
      factors.map((factor, n) => [
        scale.set(vector.loadSplat(scales[n]!)),
        skips ? scale.set(v128.and(scale, isFinite)) : [],
        factor.set(
          vector.mul(vector.loadSplat(i32.add(exponentials, element.size(column)), n * bytes), scale),
        ),
        scales[n]!.set(i32.add(scales[n]!, int(4))),
      ]),
      count(to, to, groupEnd, 8 * bytes * turn, [
        Array.from({ length: turn }, (_, n) => addRows(n)),
        rows.map((row) => row.set(i32.add(row, int(reader.bytes * turn)))),
      ]),
    ];
    return after(
      [
        places.prepare,
        toEnd.set(i32.add(start, int(valueDim * bytes))),
        end.set(minimum(item.to, i32.sub(frame.integer('keyLength'), tile))),
        count(to, start, toEnd, 16, v128.store(to, zero)),
        count(column, item.from, end, lanes, [
          places.at(column),
          to.set(start),
          count(
            groupEnd,
            i32.add(start, int(group * bytes)),
            i32.add(toEnd, int(1)),
            group * bytes,
            eachGroup,
          ),
        ]),
        trace.set(vector.eq(zero, zero)),
        count(to, start, toEnd, 16, [
          sum.set(v128.load(to)),
          trace.set(v128.and(trace, vector.eq(vector.sub(sum, sum), zero))),
        ]),
      ],
      i32.eqz(v128.anyTrue(v128.not(trace))),
    );
  });
}

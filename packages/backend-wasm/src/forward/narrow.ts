import { type Block, type Callable, type Code, after, count, i32, int, v128 } from '@heed/core/wasm';
import { type Context, minimum } from '../module/context.ts';
import { type NarrowReader, narrowReader } from '../module/narrow.ts';
import { sumsOfLanes, unrolled } from './key-rows.ts';
import { rowPlaces } from './row-places.ts';

/*
 * One query row, keys and values of 16 bits: each number is read once, so it is widened in a register. Several rows would
 * each widen it again; they share the panels of `widen.ts`. Both sum in the same order. What is not finite is only noticed
 * here, and left to the panels.
 */

/** Half of the reader's power goes to the query, half to the product: a query times all of it could overflow. */
const half = (power: number): number => 2 ** (power / 2);

/** A function (query, tile, scores) → i32: as `directMultiplier`, and whether all of it is finite. */
export function narrowMultiplier(context: Context): Callable<['i32', 'i32', 'i32'], 'i32'> {
  const { module, variant, element, cache, frame, item } = context;
  const { vector, scalar, lanes, madd } = element;
  const parameters = ['i32', 'i32', 'i32'] as const;
  return module.function({ parameters, result: 'i32' }, (body, query, tile, scores) => {
    const reader = narrowReader(cache.dtype, body);
    const turn = unrolled(variant.headDim / reader.numbers, 4);
    const rows = body.locals('i32', lanes);
    const sums = body.locals('v128', lanes);
    const elements = body.locals('v128', 2);
    const [column, end, q, qEnd] = body.locals('i32', 4);
    const places = rowPlaces(context, body, tile, { key: rows });
    const [score, zero, factor, trace] = body.locals('v128', 4);
    const dot = (n: number): Block => [
      elements.map((part, at) => {
        const loaded = v128.load(q, (2 * n + at) * 16);
        return part.set(reader.power === 0 ? loaded : vector.mul(loaded, factor));
      }),
      sums.map((sum, row) => {
        const { prepare, vectors } = reader.read(rows[row]!, 2 * reader.numbers * n);
        return [prepare, vectors.map((numbers, at) => sum.set(madd(elements[at]!, numbers, sum)))];
      }),
    ];
    return after(
      [
        reader.prepare,
        factor.set(vector.splat(scalar.const(half(reader.power)))),
        trace.set(vector.eq(zero, zero)),
        places.prepare,
        end.set(minimum(item.to, i32.sub(frame.integer('keyLength'), tile))),
        qEnd.set(i32.add(query, int(variant.headDim * element.bytes))),
        count(column, item.from, end, lanes, [
          places.at(column),
          sums.map((sum) => sum.set(zero)),
          count(q, query, qEnd, 32 * turn, [
            Array.from({ length: turn }, (_, n) => dot(n)),
            rows.map((row) => row.set(i32.add(row, int(2 * reader.numbers * turn)))),
          ]),
          score.set(sumsOfLanes(element, sums)),
          reader.power === 0 ? [] : score.set(vector.mul(score, factor)),
          trace.set(v128.and(trace, vector.eq(vector.sub(score, score), zero))),
          v128.store(i32.add(scores, element.size(column)), score),
        ]),
      ],
      isFinite(reader, v128.anyTrue(v128.not(trace))),
    );
  });
}

function isFinite({ notices }: NarrowReader, spoilt: Code<'i32'>): Code<'i32'> {
  return i32.eqz(notices === null ? spoilt : i32.or(notices, spoilt));
}

/** A function (exponentials, tile) → i32: as that of `placedSum`. */
export function narrowSum(context: Context): Callable<['i32', 'i32'], 'i32'> {
  const { module, variant, element, cache, frame, item, scratch } = context;
  const { vector, scalar, lanes, madd } = element;
  const parameters = ['i32', 'i32'] as const;
  return module.function({ parameters, result: 'i32' }, (body, exponentials, tile) => {
    const reader = narrowReader(cache.dtype, body);
    const turn = unrolled(variant.valueDim / reader.numbers, 4);
    const rows = body.locals('i32', lanes);
    const factors = body.locals('v128', lanes);
    const sums = body.locals('v128', 2);
    const [column, end, to, toEnd] = body.locals('i32', 4);
    const places = rowPlaces(context, body, tile, { value: rows });
    const [sum, zero, trace, power] = body.locals('v128', 4);
    const start = i32.add(item.scratch, int(scratch.partial));
    const bytes = variant.valueDim * element.bytes;
    const addRows = (n: number): Block => [
      sums.map((part, at) => part.set(v128.load(to, 16 * (2 * n + at)))),
      rows.map((row, r) => {
        const { prepare, vectors } = reader.read(row, 2 * reader.numbers * n);
        return [prepare, vectors.map((numbers, at) => sums[at]!.set(madd(factors[r]!, numbers, sums[at]!)))];
      }),
      sums.map((part, at) => v128.store(to, part, 16 * (2 * n + at))),
    ];
    const factorOf = (n: number): Code<'v128'> =>
      vector.loadSplat(i32.add(exponentials, element.size(column)), n * element.bytes);
    return after(
      [
        reader.prepare,
        power.set(vector.splat(scalar.const(2 ** reader.power))),
        toEnd.set(i32.add(start, int(bytes))),
        places.prepare,
        end.set(minimum(item.to, i32.sub(frame.integer('keyLength'), tile))),
        count(to, start, toEnd, 16, v128.store(to, zero)),
        count(column, item.from, end, lanes, [
          places.at(column),
          factors.map((factor, n) =>
            factor.set(reader.power === 0 ? factorOf(n) : vector.mul(factorOf(n), power)),
          ),
          count(to, start, toEnd, 32 * turn, [
            Array.from({ length: turn }, (_, n) => addRows(n)),
            rows.map((row) => row.set(i32.add(row, int(2 * reader.numbers * turn)))),
          ]),
        ]),
        trace.set(vector.eq(zero, zero)),
        count(to, start, toEnd, 16, [
          sum.set(v128.load(to)),
          trace.set(v128.and(trace, vector.eq(vector.sub(sum, sum), zero))),
        ]),
      ],
      isFinite(reader, v128.anyTrue(v128.not(trace))),
    );
  });
}

import {
  type Block,
  type Callable,
  type Code,
  type Locals,
  type Variable,
  convert,
  count,
  f64,
  floatBytes,
  i32,
  int,
  v128,
  when,
} from '@heed/core/wasm';
import { exponential } from '../module/exponential.ts';
import { type Context, maximum, minimum, place } from '../module/context.ts';
import { copyColumns } from '../module/ring.ts';
import { RECORD } from '../plan/records.ts';
import { PAGELESS } from './pages.ts';

/**
 * A function (record, scores, tile): the steps on the scores of one row between product and softmax, in the order of
 * SPEC.md, clause `order`. Exclusions come last and set −∞ over any value: padding never reaches a result.
 */
export function scoreSteps(context: Context): Callable<['i32', 'i32', 'i32']> {
  const { module, variant, needs, element, item } = context;
  const { scalar } = element;
  return module.function({ parameters: ['i32', 'i32', 'i32'] }, (body, record, scores, tile) => {
    const [at, end] = body.locals('i32', 2);
    const fill = (
      from: Code<'i32'>,
      to: Code<'i32'>,
      number: number,
      condition: (column: Code<'i32'>) => Code<'i32'>,
    ): Block => [
      at.set(from),
      end.set(to),
      count(at, at, end, 1, [
        when(condition(at), scalar.store(i32.add(scores, element.size(at)), scalar.const(number))),
      ]),
    ];
    const always = (): Code<'i32'> => int(1);
    const first = i32.sub(i32.load(record, RECORD.first), tile);
    const last = i32.sub(i32.load(record, RECORD.end), tile);
    const rowNonFinite = i32.load(record, RECORD.nonFinite);
    const byteOf = (column: Code<'i32'>): Code<'i32'> => i32.load8U(i32.add(item.nonFiniteAt, column));
    const isNonFinite = (column: Code<'i32'>): Code<'i32'> =>
      variant.direct ? rowNonFinite : i32.or(rowNonFinite, byteOf(column));
    return [
      when(i32.or(item.tileNonFinite, rowNonFinite), fill(item.from, item.to, NaN, isNonFinite)),
      needs.steps ? termsAndExclusions(context, body, { record: record, scores: scores, tile: tile }) : [],
      variant.pages === null
        ? []
        : when(
            item.tileNonFinite,
            fill(item.from, item.to, -Infinity, (column) => i32.and(byteOf(column), int(PAGELESS))),
          ),
      // Keys before the first and after the last that the row sees, in register tiles that others need.
      fill(item.from, maximum(minimum(first, item.to), int(0)), -Infinity, always),
      fill(maximum(last, item.from), item.to, -Infinity, always),
    ];
  });
}

interface Row {
  readonly record: Variable<'i32'>;
  readonly scores: Variable<'i32'>;
  readonly tile: Variable<'i32'>;
}

function termsAndExclusions(context: Context, body: Locals, row: Row): Block {
  const { variant, element, item } = context;
  const { vector, scalar } = element;
  const constant = (value: number): Code<'v128'> => vector.splat(scalar.const(value));
  const [score, excluded, zero, nan, lowest, infinity] = body.locals('v128', 6);
  const [column, key, address, end] = body.locals('i32', 4);
  const vectors: StepCode[] = [
    ...(variant.softcap ? [softcap(context, body, { score, address })] : []),
    ...(variant.bias ? [addition(context, body, row, 'bias', { score, excluded, lowest, key })] : []),
    ...(variant.alibi ? [alibi(context, body, row, { score, key })] : []),
    ...(variant.mask === 'float'
      ? [addition(context, body, row, 'mask', { score, excluded, lowest, key })]
      : []),
    ...(variant.mask === 'boolean' ? [booleanMask(context, body, row, { excluded, zero, key })] : []),
    ...(variant.segments ? [segments(context, body, row, { excluded, key })] : []),
  ];
  const adds = variant.bias || variant.alibi || variant.mask === 'float';
  const excludes = variant.bias || variant.mask !== null || variant.segments;
  return [
    nan.set(constant(NaN)),
    lowest.set(constant(-Infinity)),
    adds ? infinity.set(constant(Infinity)) : [],
    vectors.map(({ prepare }) => prepare),
    end.set(item.to),
    count(column, item.from, end, element.lanes, [
      address.set(i32.add(row.scores, element.size(column))),
      key.set(i32.add(row.tile, column)),
      score.set(v128.load(address)),
      excluded.set(zero),
      vectors.map(({ apply }) => apply),
      // +∞ must show, and a NaN must be the one that exp passes on. A sum that is −∞ excludes.
      adds ? score.set(v128.bitselect(score, nan, vector.lt(score, infinity))) : [],
      excludes ? score.set(v128.bitselect(lowest, score, excluded)) : [],
      v128.store(address, score),
    ]),
  ];
}

/** Variables of the steps: a vector of scores, its address, and its first key. */
interface Vectors extends Record<'score' | 'excluded' | 'zero' | 'lowest', Variable<'v128'>> {
  readonly address: Variable<'i32'>;
  readonly key: Variable<'i32'>;
}

interface StepCode {
  /** Before the loop. */
  readonly prepare: Block;
  /** For one vector of scores. */
  readonly apply: Block;
}

/**
 * c · tanh(s / c), with tanh(x) = (e²ˣ − 1) / (e²ˣ + 1) of the absolute value and the sign put back. It divides by c: the
 * rounding of a factor 1 / c would shift all scores, and their logSumExp, in one direction. For the gradient, the derivative
 * goes to `slopes` of the scratch.
 */
function softcap(
  context: Context,
  body: Locals,
  { score, address }: Pick<Vectors, 'score' | 'address'>,
): StepCode {
  const { variant, element, frame, scratch } = context;
  const { vector, scalar } = element;
  const exp = exponential(element, body);
  const [cap, half, limit, one, two, sign] = body.locals('v128', 6);
  const [x, power] = body.locals('v128', 2);
  const capacity = element.fromF64(frame.float('softcap'));
  return {
    prepare: [
      exp.prepare,
      cap.set(vector.splat(capacity)),
      half.set(vector.mul(cap, vector.splat(scalar.const(0.5)))),
      limit.set(vector.splat(scalar.const(40))),
      one.set(vector.splat(scalar.const(1))),
      two.set(vector.splat(scalar.const(2))),
      sign.set(vector.splat(scalar.const(-0))),
    ],
    apply: [
      // Products may overflow, which tanh would hide.
      score.set(vector.add(score, vector.sub(score, score))),
      x.set(vector.pmin(vector.div(vector.abs(score), half), limit)),
      x.set(exp.minusOne(x, power)),
      x.set(vector.div(x, vector.add(x, two))),
      variant.pass === 'gradient'
        ? v128.store(address, vector.sub(one, vector.mul(x, x)), scratch.slopes - scratch.scores)
        : [],
      score.set(v128.or(vector.mul(cap, x), v128.and(score, sign))),
    ],
  };
}

/**
 * Changes the address of a row of columns to that of the entries of the open tile: `start + size(key)` is that of a key's entry.
 */
function inRing(
  context: Context,
  body: Locals,
  { tile }: Row,
  start: Variable<'i32'>,
  area: 'maskColumns' | 'biasColumns' | 'segmentColumns',
  size: (entries: Code<'i32'>) => Code<'i32'>,
): Block {
  if (!context.variant.ring) return [];
  const to = i32.add(context.item.scratch, int(context.scratch[area]));
  return [
    copyColumns(context, tile, { row: start, to, count: body.local('i32'), size }),
    start.set(i32.sub(to, size(tile))),
  ];
}

/** A bias or a float mask: added; −∞ excludes. */
function addition(
  context: Context,
  body: Locals,
  row: Row,
  name: 'mask' | 'bias',
  { score, excluded, lowest, key }: Pick<Vectors, 'score' | 'excluded' | 'lowest' | 'key'>,
): StepCode {
  const { variant, element, storage } = context;
  const { vector } = element;
  const start = body.local('i32');
  const added = body.local('v128');
  const perKey = name === 'mask' ? variant.maskPerKey : variant.biasPerKey;
  return {
    prepare: [
      start.set(i32.load(row.record, RECORD[name])),
      perKey ? inRing(context, body, row, start, `${name}Columns`, storage.size) : [],
    ],
    apply: [
      added.set(
        perKey ? storage.load(body, i32.add(start, storage.size(key))) : storage.loadSplat(body, start),
      ),
      excluded.set(v128.or(excluded, vector.eq(added, lowest))),
      score.set(vector.add(score, added)),
    ],
  };
}

/**
 * − slope · |p − j|. A position beyond 2²⁴ is not a float32: |high + (low − j)| with p = high + low has one rounding,
 * that of the distance itself.
 */
function alibi(
  { element }: Context,
  body: Locals,
  { record }: Row,
  { score, key }: Pick<Vectors, 'score' | 'key'>,
): StepCode {
  const { vector } = element;
  const [slope, high, low] = body.locals('v128', 3);
  const position = body.local('f64');
  const start = body.local(element.type);
  const lanes = Array.from({ length: element.lanes }, (_, n) => floatBytes(element.type, n)).flat();
  const distance = vector.abs(
    vector.add(high, vector.sub(low, vector.splat(element.fromF64(convert.f64FromI32(key))))),
  );
  return {
    prepare: [
      slope.set(vector.loadSplat(record, RECORD.slope)),
      // An infinite slope does not exclude.
      slope.set(vector.add(slope, vector.sub(slope, slope))),
      position.set(f64.load(record, RECORD.position)),
      start.set(element.fromF64(position)),
      high.set(vector.splat(start)),
      start.set(element.fromF64(f64.sub(position, element.toF64(start)))),
      low.set(vector.sub(vector.splat(start), v128.const(lanes))),
    ],
    apply: [score.set(vector.sub(score, vector.mul(slope, distance)))],
  };
}

function booleanMask(
  context: Context,
  body: Locals,
  row: Row,
  { excluded, zero, key }: Pick<Vectors, 'excluded' | 'zero' | 'key'>,
): StepCode {
  const { variant, element } = context;
  const { integer } = element;
  const start = body.local('i32');
  const allowed = variant.maskPerKey
    ? integer.loadU8(i32.add(start, key))
    : integer.splatU(i32.load8U(start));
  return {
    prepare: [
      start.set(i32.load(row.record, RECORD.mask)),
      variant.maskPerKey ? inRing(context, body, row, start, 'maskColumns', (entries) => entries) : [],
    ],
    apply: excluded.set(v128.or(excluded, v128.not(integer.ne(allowed, zero)))),
  };
}

function segments(
  context: Context,
  body: Locals,
  row: Row,
  { excluded, key }: Pick<Vectors, 'excluded' | 'key'>,
): StepCode {
  const { element, frame, item } = context;
  const { integer } = element;
  const start = body.local('i32');
  const own = body.local('v128');
  return {
    prepare: [
      start.set(place(frame.integer('keySegments'), i32.mul(item.batch, frame.integer('keyLength')), 4)),
      inRing(context, body, row, start, 'segmentColumns', (entries) => i32.shl(entries, int(2))),
      own.set(integer.splatS(i32.load(row.record, RECORD.segment))),
    ],
    apply: excluded.set(v128.or(excluded, integer.ne(integer.loadS32(place(start, key, 4)), own))),
  };
}

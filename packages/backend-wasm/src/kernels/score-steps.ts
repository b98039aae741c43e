import type { Code } from '../emit/code.ts';
import { count, when } from '../emit/control.ts';
import { convert, extend, f64, floatBytes, i32, i64, int, v128 } from '../emit/instructions.ts';
import type { Body, Callable, Variable } from '../emit/module.ts';
import { exponential } from './exponential.ts';
import { type Kernel, greatest, least, place } from './kernel.ts';
import { RECORD } from './records.ts';

/**
 * A function (record, scores, tile): what happens to the scores of one row between product and softmax, in the order
 * of SPEC.md, clause `order`. Exclusions come last and set −∞, whatever was there: padding never reaches a result.
 */
export function scoreSteps(kernel: Kernel): Callable {
  const { module, variant, parts, element, task } = kernel;
  const { scalar } = element;
  return module.function({ parameters: ['i32', 'i32', 'i32'] }, (body, record, scores, tile) => {
    const at = body.local('i32');
    const end = body.local('i32');
    const fill = (from: Code, to: Code, number: number, condition: (column: Code) => Code): Code => [
      at.set(from),
      end.set(to),
      count(at, at, end, 1, [
        when(condition(at), scalar.store(i32.add(scores!, element.size(at)), scalar.const(number))),
      ]),
    ];
    const always = (): Code => int(1);
    const first = i32.sub(i32.load(record!, RECORD.first), tile!);
    const last = i32.sub(i32.load(record!, RECORD.end), tile!);
    const badRow = i32.load(record!, RECORD.bad);
    const isBad = (column: Code): Code =>
      variant.direct ? badRow : i32.or(badRow, i32.load8U(i32.add(task.badAt, column)));
    return [
      when(i32.or(task.tileBad, badRow), fill(task.from, task.to, NaN, isBad)),
      parts.steps ? termsAndExclusions(kernel, body, { record: record!, scores: scores!, tile: tile! }) : [],
      // Keys before the first and after the last that the row sees, in register tiles that others need.
      fill(task.from, greatest(least(first, task.to), int(0)), -Infinity, always),
      fill(greatest(last, task.from), task.to, -Infinity, always),
    ];
  });
}

interface Row {
  readonly record: Variable;
  readonly scores: Variable;
  readonly tile: Variable;
}

function termsAndExclusions(kernel: Kernel, body: Body, row: Row): Code {
  const { variant, element, task } = kernel;
  const { vector, scalar } = element;
  const local = (): Variable => body.local('v128');
  const constant = (value: number): Code => vector.splat(scalar.const(value));
  const [score, excluded, zero, nan, lowest] = [local(), local(), local(), local(), local()];
  const column = body.local('i32');
  const key = body.local('i32');
  const address = body.local('i32');
  const end = body.local('i32');
  const vectors: StepCode[] = [
    ...(variant.softcap ? [softcap(kernel, body, { score, address })] : []),
    ...(variant.bias ? [addition(kernel, body, row, 'bias', { score, excluded, lowest, key })] : []),
    ...(variant.alibi ? [alibi(kernel, body, row, { score, key })] : []),
    ...(variant.mask === 'float'
      ? [addition(kernel, body, row, 'mask', { score, excluded, lowest, key })]
      : []),
    ...(variant.mask === 'boolean' ? [booleanMask(kernel, body, row, { excluded, zero, key })] : []),
    ...(variant.segments ? [segments(kernel, body, row, { excluded, key })] : []),
  ];
  const adds = variant.bias || variant.alibi || variant.mask === 'float';
  const excludes = variant.bias || variant.mask !== null || variant.segments;
  return [
    nan.set(constant(NaN)),
    lowest.set(constant(-Infinity)),
    vectors.map(({ prepare }) => prepare),
    end.set(task.to),
    count(column, task.from, end, element.lanes, [
      address.set(i32.add(row.scores, element.size(column))),
      key.set(i32.add(row.tile, column)),
      score.set(v128.load(address)),
      excluded.set(zero),
      vectors.map(({ apply }) => apply),
      // An infinity that is attended to must show, and a NaN must be the one that exp passes on.
      adds ? score.set(v128.bitselect(score, nan, vector.eq(vector.sub(score, score), zero))) : [],
      excludes ? score.set(v128.bitselect(lowest, score, excluded)) : [],
      v128.store(address, score),
    ]),
  ];
}

interface StepCode {
  /** Before the loop. */
  readonly prepare: Code;
  /** For one vector of scores. */
  readonly apply: Code;
}

/**
 * c · tanh(s / c), with tanh(x) = (e²ˣ − 1) / (e²ˣ + 1) of the absolute value and the sign put back. For the gradient,
 * the derivative goes to `slopes` of the scratch.
 */
function softcap(
  kernel: Kernel,
  body: Body,
  { score, address }: Record<'score' | 'address', Variable>,
): StepCode {
  const { variant, element, frame, scratch } = kernel;
  const { vector, scalar } = element;
  const exp = exponential(element, body);
  const [cap, factor, most, one, two, sign] = Array.from({ length: 6 }, () => body.local('v128'));
  const [x, power] = [body.local('v128'), body.local('v128')];
  const capacity = element.fromF64(frame.float('softcap'));
  return {
    prepare: [
      exp.prepare,
      cap!.set(vector.splat(capacity)),
      factor!.set(vector.div(vector.splat(scalar.const(2)), cap!)),
      most!.set(vector.splat(scalar.const(40))),
      one!.set(vector.splat(scalar.const(1))),
      two!.set(vector.splat(scalar.const(2))),
      sign!.set(vector.splat(scalar.const(-0))),
    ],
    apply: [
      // Products may overflow; tanh would hide it.
      score.set(vector.add(score, vector.sub(score, score))),
      x.set(vector.pmin(vector.mul(vector.abs(score), factor!), most!)),
      x.set(exp.minusOne(x, power)),
      x.set(vector.div(x, vector.add(x, two!))),
      variant.pass === 'gradient'
        ? v128.store(address, vector.sub(one!, vector.mul(x, x)), scratch.slopes - scratch.scores)
        : [],
      score.set(v128.or(vector.mul(cap!, x), v128.and(score, sign!))),
    ],
  };
}

/** A bias or a float mask: added; −∞ excludes. */
function addition(
  { variant, element }: Kernel,
  body: Body,
  { record }: Row,
  name: 'mask' | 'bias',
  { score, excluded, lowest, key }: Record<'score' | 'excluded' | 'lowest' | 'key', Variable>,
): StepCode {
  const { vector } = element;
  const start = body.local('i32');
  const added = body.local('v128');
  const perKey = name === 'mask' ? variant.maskPerKey : variant.biasPerKey;
  return {
    prepare: start.set(i32.load(record, RECORD[name])),
    apply: [
      added.set(perKey ? v128.load(i32.add(start, element.size(key))) : vector.loadSplat(start)),
      excluded.set(v128.or(excluded, vector.eq(added, lowest))),
      score.set(vector.add(score, added)),
    ],
  };
}

/**
 * − slope · |p − j|. A position beyond 2²⁴ is no float32: |high + (low − j)| with p = high + low has one rounding, that of
 * the distance itself.
 */
function alibi(
  { element }: Kernel,
  body: Body,
  { record }: Row,
  { score, key }: Record<'score' | 'key', Variable>,
): StepCode {
  const { vector } = element;
  const [slope, high, low] = [body.local('v128'), body.local('v128'), body.local('v128')];
  const position = body.local('f64');
  const start = body.local(element.type);
  const lanes = Array.from({ length: element.lanes }, (_, n) => floatBytes(element.type, n)).flat();
  const distance = vector.abs(
    vector.add(high, vector.sub(low, vector.splat(element.fromF64(convert.f64FromI32(key))))),
  );
  return {
    prepare: [
      slope.set(vector.loadSplat(record, RECORD.slope)),
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
  { variant, element }: Kernel,
  body: Body,
  { record }: Row,
  { excluded, zero, key }: Record<'excluded' | 'zero' | 'key', Variable>,
): StepCode {
  const { integer } = element;
  const start = body.local('i32');
  const wide = element.bytes === 8;
  const perKey = (): Code => {
    const quarters = extend.i32x4LowU16(extend.i16x8LowU8(v128.load32Zero(i32.add(start, key))));
    return wide ? extend.i64x2LowS32(quarters) : quarters;
  };
  const one = i32.load8U(start);
  const allowed = variant.maskPerKey ? perKey() : integer.splat(wide ? i64.extendU(one) : one);
  return {
    prepare: start.set(i32.load(record, RECORD.mask)),
    apply: excluded.set(v128.or(excluded, v128.not(integer.ne(allowed, zero)))),
  };
}

function segments(
  { element, frame, task }: Kernel,
  body: Body,
  { record }: Row,
  { excluded, key }: Record<'excluded' | 'key', Variable>,
): StepCode {
  const { integer } = element;
  const start = body.local('i32');
  const own = body.local('v128');
  const wide = element.bytes === 8;
  const id = i32.load(record, RECORD.segment);
  const address = place(start, key, 4);
  const ids = wide ? extend.i64x2LowS32(v128.load64Zero(address)) : v128.load(address);
  return {
    prepare: [
      start.set(place(frame.integer('keySegments'), i32.mul(task.batch, frame.integer('keyLength')), 4)),
      own.set(integer.splat(wide ? i64.extendS(id) : id)),
    ],
    apply: excluded.set(v128.or(excluded, integer.ne(ids, own))),
  };
}

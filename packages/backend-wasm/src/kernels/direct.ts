import type { Code } from '../emit/code.ts';
import { count, drop, when } from '../emit/control.ts';
import { i32, int, v128 } from '../emit/instructions.ts';
import type { Callable, Variable } from '../emit/module.ts';
import type { Element } from './element.ts';
import { type Kernel, least, place } from './kernel.ts';
import { rowPacker } from './packing.ts';
import { RECORD, RECORD_BYTES } from './records.ts';

/*
 * Few query rows, as in decoding: keys and values are read once, where they are. Packing them would read and write them
 * once more, and memory is what decoding waits for. What is not finite is looked for in the results, not in the inputs:
 * a product of finite queries with a key is finite just where the key is.
 */

/** Vectors that a turn of an inner loop handles: as many as divide the row. */
function unrolled(vectors: number): number {
  return [16, 8, 4, 2, 1].find((turns) => vectors % turns === 0)!;
}

/** Addresses of `lanes` rows from row `first` on; those past the last one are the last one. */
function rowAddresses(
  { lanes }: Element,
  rows: readonly Variable[],
  { base, first, last, step }: Record<'base' | 'first' | 'last' | 'step', Variable>,
): Code {
  return Array.from({ length: lanes }, (_, n) => [
    rows[n]!.set(n === 0 ? first : i32.add(first, int(n))),
    rows[n]!.set(least(rows[n]!, last)),
    rows[n]!.set(place(base, rows[n]!, step)),
  ]);
}

/** The sums of the lanes of as many vectors as a vector has lanes, as one vector. */
function sumsOfLanes({ lanes, vector }: Element, [a, b, c, d]: readonly Variable[]): Code {
  const words = (...order: number[]): number[] =>
    order.flatMap((word) => [0, 1, 2, 3].map((n) => 4 * word + n));
  if (lanes === 2) {
    return vector.add(v128.shuffle(a!, b!, words(0, 1, 4, 5)), v128.shuffle(a!, b!, words(2, 3, 6, 7)));
  }
  const pairs = (x: Code, y: Code): Code =>
    vector.add(v128.shuffle(x, y, words(0, 4, 1, 5)), v128.shuffle(x, y, words(2, 6, 3, 7)));
  return [
    a!.set(pairs(a!, b!)),
    c!.set(pairs(c!, d!)),
    vector.add(v128.shuffle(a!, c!, words(0, 1, 4, 5)), v128.shuffle(a!, c!, words(2, 3, 6, 7))),
  ];
}

/** A function (query, keys, scores, keyCount): the scores of a row with keys from … to of the open tile. */
export function directMultiplier({ module, variant, element, frame, task }: Kernel): Callable {
  const { vector, scalar, lanes, madd } = element;
  const turn = unrolled(variant.headDim / lanes);
  const parameters = ['i32', 'i32', 'i32', 'i32'] as const;
  return module.function({ parameters }, (body, query, keys, scores, keyCount) => {
    const rows = Array.from({ length: lanes }, () => body.local('i32'));
    const sums = Array.from({ length: lanes }, () => body.local('v128'));
    const column = body.local('i32');
    const last = body.local('i32');
    const end = body.local('i32');
    const step = body.local('i32');
    const q = body.local('i32');
    const qEnd = body.local('i32');
    const elements = body.local('v128');
    const nan = body.local('v128');
    const zero = body.local('v128');
    const score = body.local('v128');
    return [
      nan.set(vector.splat(scalar.const(NaN))),
      step.set(frame.integer('keyRow')),
      last.set(i32.sub(keyCount!, int(1))),
      end.set(least(task.to, keyCount!)),
      qEnd.set(i32.add(query!, int(variant.headDim * element.bytes))),
      count(column, task.from, end, lanes, [
        rowAddresses(element, rows, { base: keys!, first: column, last, step }),
        sums.map((sum) => sum.set(zero)),
        count(q, query!, qEnd, 16 * turn, [
          Array.from({ length: turn }, (_, n) => [
            elements.set(v128.load(q, 16 * n)),
            sums.map((sum, row) => sum.set(madd(elements, v128.load(rows[row]!, 16 * n), sum))),
          ]),
          rows.map((row) => row.set(i32.add(row, int(16 * turn)))),
        ]),
        score.set(sumsOfLanes(element, sums)),
        v128.store(
          i32.add(scores!, element.size(column)),
          v128.bitselect(score, nan, vector.eq(vector.sub(score, score), zero)),
        ),
      ]),
    ];
  });
}

/**
 * A function (exponentials, values, step, valueCount) → i32: the sum of values, by the exponentials of a row with keys
 * from … to of the tile, to `partial` of the scratch. It returns whether all of it is finite.
 */
function directSum({ module, variant, element, task, scratch }: Kernel): Callable {
  const { vector, lanes, madd } = element;
  const vectors = variant.valueDim / lanes;
  const turn = unrolled(vectors);
  const parameters = ['i32', 'i32', 'i32', 'i32'] as const;
  return module.function({ parameters, result: 'i32' }, (body, exponentials, values, step, valueCount) => {
    const rows = Array.from({ length: lanes }, () => body.local('i32'));
    const factors = Array.from({ length: lanes }, () => body.local('v128'));
    const column = body.local('i32');
    const last = body.local('i32');
    const end = body.local('i32');
    const to = body.local('i32');
    const toEnd = body.local('i32');
    const sum = body.local('v128');
    const zero = body.local('v128');
    const trace = body.local('v128');
    const start = i32.add(task.scratch, int(scratch.partial));
    const eachVector = (code: (at: number) => Code): Code =>
      count(
        to,
        start,
        toEnd,
        16 * turn,
        Array.from({ length: turn }, (_, n) => code(16 * n)),
      );
    const addRow = (at: number): Code => [
      sum.set(v128.load(to, at)),
      rows.map((row, n) => sum.set(madd(factors[n]!, v128.load(row, at), sum))),
      v128.store(to, sum, at),
    ];
    return [
      toEnd.set(i32.add(start, int(16 * vectors))),
      last.set(i32.sub(valueCount!, int(1))),
      end.set(least(task.to, valueCount!)),
      eachVector((at) => v128.store(to, zero, at)),
      count(column, task.from, end, lanes, [
        rowAddresses(element, rows, { base: values!, first: column, last, step: step! }),
        factors.map((factor, n) =>
          factor.set(vector.loadSplat(i32.add(exponentials!, element.size(column)), n * element.bytes)),
        ),
        count(to, start, toEnd, 16 * turn, [
          Array.from({ length: turn }, (_, n) => addRow(16 * n)),
          rows.map((row) => row.set(i32.add(row, int(16 * turn)))),
        ]),
      ]),
      trace.set(vector.eq(zero, zero)),
      eachVector((at) => [
        sum.set(v128.load(to, at)),
        trace.set(v128.and(trace, vector.eq(vector.sub(sum, sum), zero))),
      ]),
      i32.eqz(v128.anyTrue(v128.not(trace))),
    ];
  });
}

/**
 * A function (group, tile): takes the scores of a row with the open tile into its softmax and its output. Where a value
 * is not finite this is done again, with NaN for the scores of such keys that are attended to, and with copies of the
 * values that have 0 instead.
 */
export function directAbsorber(kernel: Kernel, score: Callable, softmax: Callable): Callable {
  const { module, variant, element, tiling, frame, task, scratch } = kernel;
  const { vector, scalar, bytes, type } = element;
  const sumValues = directSum(kernel);
  const clean = rowPacker(kernel, { depth: variant.valueDim, step: bytes, scaled: false });
  const rowBytes = variant.valueDim * bytes;
  return module.function({ parameters: ['i32', 'i32'] }, (body, group, tile) => {
    const record = body.local('i32');
    const scores = body.local('i32');
    const keyCount = body.local('i32');
    const key = body.local('i32');
    const end = body.local('i32');
    const from = body.local('i32');
    const to = body.local('i32');
    const max = body.local(type);
    const sum = body.local(type);
    const factor = body.local('v128');
    const at = (start: number): Code => i32.add(task.scratch, int(start));
    const column = (of: Code): Code => i32.add(scores, element.size(of));
    const absorb = softmax(record, column(task.from), column(task.to), at(scratch.factors));
    const cleanKey = [
      when(
        clean(place(task.valueAt, key, frame.integer('valueRow')), place(at(scratch.values), key, rowBytes)),
        when(
          scalar.ne(scalar.load(column(key)), scalar.const(-Infinity)),
          scalar.store(column(key), scalar.const(NaN)),
        ),
      ),
    ];
    return [
      record.set(place(at(scratch.records), group!, RECORD_BYTES)),
      scores.set(at(scratch.scores)),
      keyCount.set(i32.sub(frame.integer('keyLength'), tile!)),
      keyCount.set(least(keyCount, int(tiling.tileKeys))),
      max.set(scalar.load(record, RECORD.max)),
      sum.set(scalar.load(record, RECORD.sum)),
      absorb,
      when(i32.eqz(sumValues(scores, task.valueAt, frame.integer('valueRow'), keyCount)), [
        scalar.store(record, max, RECORD.max),
        scalar.store(record, sum, RECORD.sum),
        score(group!, tile!),
        drop,
        end.set(least(task.to, keyCount)),
        count(key, task.from, end, 1, cleanKey),
        absorb,
        sumValues(scores, at(scratch.values), int(rowBytes), keyCount),
        drop,
      ]),
      factor.set(vector.loadSplat(at(scratch.factors))),
      to.set(place(at(scratch.output), group!, tiling.valueColumns * bytes)),
      from.set(at(scratch.partial)),
      end.set(i32.add(from, int(rowBytes))),
      count(from, from, end, 16, [
        v128.store(to, element.madd(v128.load(to), factor, v128.load(from))),
        to.set(i32.add(to, int(16))),
      ]),
    ];
  });
}

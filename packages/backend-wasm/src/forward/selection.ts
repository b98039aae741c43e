import {
  type Block,
  type Callable,
  type Code,
  type Locals,
  type Variable,
  convert,
  count,
  drop,
  f64,
  i32,
  int,
  memoryCopy,
  memoryFill,
  select,
  when,
} from '@heed/core/wasm';
import type { RowMaker } from '../module/cache-rows.ts';
import { type Context, place, rowAddress } from '../module/context.ts';
import { elementStorage } from '../module/storage.ts';
import { logarithm } from '../module/logarithm.ts';
import { philox } from '../module/philox.ts';
import { toColumn } from '../module/ring.ts';
import { RECORD } from '../plan/records.ts';

/**
 * A function (record, scores, tile): takes the scores of a row with a tile into account for hard attention. The
 * largest wins, with noise for `sample`; the first among equals; a NaN counts as the largest.
 */
export function candidateChooser(context: Context): Callable<['i32', 'i32', 'i32']> {
  const { module, variant, element, frame, item } = context;
  const { scalar, type } = element;
  const sampled = variant.selection === 'sample';
  const draw = sampled ? wordsDrawer(context) : null;
  const noise = sampled ? gumbel(context, logarithm(module)) : null;
  return module.function({ parameters: ['i32', 'i32', 'i32'] }, (body, record, scores, tile) => {
    const [column, end, key, counter] = body.locals('i32', 4);
    const score = body.local(type);
    const [candidate, best] = body.locals('f64', 2);
    return [
      best.set(f64.load(record, RECORD.best)),
      end.set(item.to),
      count(column, item.from, end, 1, [
        key.set(i32.add(tile, column)),
        draw === null
          ? []
          : [
              counter.set(i32.add(i32.add(key, item.base), frame.integer('originKey'))),
              // Every four keys of the whole share four words.
              when(
                i32.or(i32.eqz(i32.and(counter, int(3))), i32.eq(column, item.from)),
                draw(record, counter),
              ),
            ],
        score.set(scalar.load(i32.add(scores, element.size(column)))),
        when(scalar.ne(score, scalar.const(-Infinity)), [
          candidate.set(element.toF64(score)),
          noise === null ? [] : candidate.set(f64.add(candidate, noise(counter))),
          when(i32.or(f64.gt(candidate, best), i32.and(f64.ne(candidate, candidate), f64.eq(best, best))), [
            best.set(candidate),
            i32.store(record, key, RECORD.choice),
          ]),
        ]),
      ]),
      f64.store(record, best, RECORD.best),
    ];
  });
}

/** Code of the noise of a key, by its position in the whole, from the scratch's four random words. */
function gumbel({ item, scratch }: Context, log: Callable<['f64'], 'f64'>) {
  return (key: Variable<'i32'>): Code<'f64'> => {
    const word = i32.load(place(item.scratch, i32.and(key, int(3)), 4), scratch.noise);
    const u = f64.mul(
      f64.add(convert.f64FromI32U(i32.shrU(word, int(9))), f64.const(0.5)),
      f64.const(2 ** -23),
    );
    return f64.neg(log(f64.neg(log(u))));
  };
}

/** A function (record, key): the four random words of a key's four of a row, to the noise of the scratch. */
export function wordsDrawer({ module, frame, item, scratch }: Context): Callable<['i32', 'i32']> {
  return module.function({ parameters: ['i32', 'i32'] }, (body, record, key) => {
    const words = body.locals('i32', 4);
    const [c0, c1, c2, c3] = words;
    return [
      c0.set(i32.shrU(key, int(2))),
      c1.set(i32.add(i32.load(record, RECORD.index), frame.integer('originQuery'))),
      c2.set(i32.add(i32.load(record, RECORD.head), frame.integer('originHead'))),
      c3.set(i32.add(item.batch, frame.integer('originBatch'))),
      philox(body, words, frame.integer('seedLow'), frame.integer('seedHigh')),
      words.map((word, n) => i32.store(item.scratch, word, scratch.noise + 4 * n)),
    ];
  });
}

/**
 * Writes what was chosen for a row: the choice, the value of that key, a weight of 1.
 *
 * @param makeValue makes the value, where it is not simply read.
 */
export function writeChoice(
  context: Context,
  body: Locals,
  record: Variable<'i32'>,
  makeValue: RowMaker | null,
): Block {
  const { variant, needs, element, storage, cache, frame, item, scratch } = context;
  const { vector } = element;
  const [choice, to, end] = body.locals('i32', 3);
  const best = body.local('f64');
  const x = body.local('v128');
  const rowBytes = int(variant.valueDim * storage.bytes);
  const storeOne = (number: Code<'f64'>): Block => [
    x.set(vector.splat(element.fromF64(number))),
    storage.store(body, to, x, { lanes: 1 }),
  ];
  const value = (): Code<'i32'> => rowAddress(frame, 'value', [item.batch, item.kvHead, choice]);
  const [from, fromEnd] = body.locals('i32', 2);
  const read = makeValue === null ? cache : elementStorage(element);
  const copy: Block =
    makeValue === null && cache.dtype === storage.dtype
      ? memoryCopy(to, value(), rowBytes)
      : [
          makeValue === null
            ? from.set(value())
            : [from.set(i32.add(item.scratch, int(scratch.row))), drop(makeValue(choice, from))],
          fromEnd.set(i32.add(from, int(variant.valueDim * read.bytes))),
          count(from, from, fromEnd, read.bytes, [
            x.set(read.loadSplat(body, from)),
            storage.store(body, to, x, { lanes: 1 }),
            to.set(i32.add(to, int(storage.bytes))),
          ]),
        ];
  const output: Block = [
    to.set(i32.load(record, RECORD.output)),
    when(
      i32.eq(choice, int(-1)),
      memoryFill(to, int(0), rowBytes),
      when(f64.eq(best, best), copy, [
        end.set(i32.add(to, rowBytes)),
        count(to, to, end, storage.bytes, storeOne(f64.const(NaN))),
      ]),
    ),
  ];
  const weights = when(i32.ne(choice, int(-1)), [
    toColumn(context, choice),
    to.set(i32.add(weightsRow(context, record), storage.size(choice))),
    storeOne(select(f64.const(1), f64.const(NaN), f64.eq(best, best))),
  ]);
  return [
    choice.set(i32.load(record, RECORD.choice)),
    best.set(f64.load(record, RECORD.best)),
    needs.wants('choice')
      ? i32.store(
          place(frame.integer('choice'), i32.load(record, RECORD.place), 4),
          variant.ring ? select(choice, i32.add(choice, item.base), i32.eq(choice, int(-1))) : choice,
        )
      : [],
    needs.wants('output') ? output : [],
    needs.wants('weights') ? weights : [],
  ];
}

/** Address of a row of the weights. */
export function weightsRow({ storage, frame }: Context, record: Code<'i32'>): Code<'i32'> {
  const index = i32.mul(i32.load(record, RECORD.place), frame.integer('keyLength'));
  return i32.add(frame.integer('weights'), storage.size(index));
}

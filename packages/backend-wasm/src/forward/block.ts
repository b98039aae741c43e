import {
  type Block,
  type Callable,
  type Code,
  type Locals,
  type Variable,
  convert,
  count,
  f64,
  i32,
  int,
  memoryFill,
  select,
  when,
} from '@heed/core/wasm';
import { type Context, maximum, minimum, place, rowAddress } from '../module/context.ts';
import { rowPacker } from '../module/pack.ts';
import { RECORD, RECORD_BYTES } from '../plan/records.ts';

/** `first` of a row that sees no key. */
const NO_KEYS = 0x7fffffff;

/** A function () that opens the item's block: writes the records and packs the queries. */
export function blockOpener(context: Context): Callable<[]> {
  const { module, variant, element, tiling, frame, item, scratch } = context;
  const { rows } = tiling;
  // Rows of a register tile lie side by side; those that read keys in place, one after another.
  const packQuery = rowPacker(context, {
    depth: variant.headDim,
    step: (variant.direct ? 1 : rows) * element.bytes,
    scaled: true,
  });
  const queryBytes = variant.headDim * element.bytes;
  const queryRow = (r: Code<'i32'>): Code<'i32'> => {
    const base = i32.add(item.scratch, int(scratch.query));
    if (variant.direct) return place(base, r, queryBytes);
    const rowGroup = i32.sub(r, i32.remU(r, int(rows)));
    return i32.add(place(base, rowGroup, queryBytes), element.size(i32.remU(r, int(rows))));
  };

  return module.function({ parameters: [] }, (body) => {
    const [r, record, row, index, head] = body.locals('i32', 5);
    const set = (field: keyof typeof RECORD, value: Code<'i32'>): Block =>
      i32.store(record, value, RECORD[field]);
    const rowOf = (name: 'query' | 'output'): Code<'i32'> =>
      rowAddress(frame, name, [item.batch, head, index]);
    return [
      item.firstKey.set(int(NO_KEYS)),
      item.endKey.set(int(0)),
      // Rows past the last one, of the last register tile: records and queries of 0.
      memoryFill(i32.add(item.scratch, int(scratch.records)), int(0), int(tiling.blockRows * RECORD_BYTES)),
      memoryFill(i32.add(item.scratch, int(scratch.query)), int(0), int(tiling.blockRows * queryBytes)),
      record.set(i32.add(item.scratch, int(scratch.records))),
      count(r, int(0), item.count, 1, [
        row.set(i32.add(item.firstRow, r)),
        index.set(i32.divU(row, frame.integer('headGroup'))),
        head.set(place(i32.remU(row, frame.integer('headGroup')), item.kvHead, frame.integer('headGroup'))),
        set('index', index),
        set('head', head),
        set(
          'place',
          place(index, place(head, item.batch, frame.integer('heads')), frame.integer('queryLength')),
        ),
        set('output', rowOf('output')),
        range(context, body, record, index),
        terms(context, record, head, index),
        set('nonFinite', packQuery(rowOf('query'), queryRow(r))),
        record.set(i32.add(record, int(RECORD_BYTES))),
      ]),
      // The others see nothing.
      count(r, item.count, int(tiling.blockRows), 1, [
        set('first', int(NO_KEYS)),
        record.set(i32.add(record, int(RECORD_BYTES))),
      ]),
    ];
  });
}

/** Keys that a row sees: SPEC.md, clauses `alignment`, `causal`, `window` and `lengths`. In f64, which cannot wrap. */
function range(context: Context, body: Locals, record: Variable<'i32'>, index: Code<'i32'>): Block {
  const { variant, frame, item } = context;
  const [first, end] = body.locals('i32', 2);
  const position = body.local('f64');
  const [keyLength, queryLength] = body.locals('i32', 2);
  const perBatch = (field: 'keyLengths' | 'keyStarts' | 'queryLengths' | 'offsets'): Code<'i32'> =>
    i32.load(place(frame.integer(field), item.batch, 4));
  const offset = (): Code<'i32'> => {
    if (variant.alignment === 'offset') return perBatch('offsets');
    return variant.alignment === 'bottomRight' ? i32.sub(keyLength, queryLength) : int(0);
  };
  const start = variant.ring ? i32.sub(perBatch('keyStarts'), item.base) : perBatch('keyStarts');
  const clamped = (value: Code<'f64'>): Code<'i32'> =>
    convert.i32FromF64U(f64.min(f64.max(value, f64.const(0)), convert.f64FromI32(keyLength)));
  return [
    keyLength.set(variant.keyLengths ? perBatch('keyLengths') : frame.integer('keyLength')),
    queryLength.set(variant.queryLengths ? perBatch('queryLengths') : frame.integer('queryLength')),
    variant.ranged || variant.alibi
      ? position.set(f64.add(convert.f64FromI32(index), convert.f64FromI32(offset())))
      : [],
    variant.ring
      ? [
          keyLength.set(i32.sub(keyLength, item.base)),
          position.set(f64.sub(position, convert.f64FromI32(item.base))),
        ]
      : [],
    first.set(int(0)),
    end.set(keyLength),
    variant.ranged
      ? [
          first.set(clamped(f64.sub(position, frame.float('left')))),
          end.set(clamped(f64.add(f64.add(position, frame.float('right')), f64.const(1)))),
        ]
      : [],
    variant.keyStarts ? first.set(maximum(first, start)) : [],
    variant.queryLengths ? end.set(select(end, int(0), i32.ltS(index, queryLength))) : [],
    when(
      i32.geS(first, end),
      [first.set(int(NO_KEYS)), end.set(int(0))],
      [item.firstKey.set(minimum(item.firstKey, first)), item.endKey.set(maximum(item.endKey, end))],
    ),
    i32.store(record, first, RECORD.first),
    i32.store(record, end, RECORD.end),
    f64.store(record, position, RECORD.position),
  ];
}

/** Addresses of the terms of a row's scores, and its initial values. */
function terms(context: Context, record: Variable<'i32'>, head: Code<'i32'>, index: Code<'i32'>): Block {
  const { variant, element, storage, needs, frame, item } = context;
  const { scalar } = element;
  const start = (name: 'mask' | 'bias', base?: Code<'i32'>): Code<'i32'> =>
    rowAddress(frame, name, [item.batch, head, index], base);
  const segment = (): Code<'i32'> =>
    place(frame.integer('querySegments'), place(index, item.batch, frame.integer('queryLength')), 4);
  return [
    variant.mask !== null ? i32.store(record, start('mask'), RECORD.mask) : [],
    variant.bias ? i32.store(record, start('bias'), RECORD.bias) : [],
    variant.bias && variant.pass === 'gradient'
      ? i32.store(
          record,
          i32.add(frame.integer('dBias'), storage.toElements(start('bias', int(0)))),
          RECORD.dBias,
        )
      : [],
    variant.segments ? i32.store(record, i32.load(segment()), RECORD.segment) : [],
    variant.alibi
      ? scalar.store(
          record,
          scalar.load(place(frame.integer('alibiSlopes'), head, element.bytes)),
          RECORD.slope,
        )
      : [],
    needs.softmax ? scalar.store(record, scalar.const(-Infinity), RECORD.max) : [],
    i32.store(record, int(-1), RECORD.choice),
    f64.store(record, f64.const(-Infinity), RECORD.best),
  ];
}

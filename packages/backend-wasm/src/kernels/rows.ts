import type { Code } from '../emit/code.ts';
import { count, select, when } from '../emit/control.ts';
import { convert, f64, i32, int, memoryFill } from '../emit/instructions.ts';
import type { Body, Callable, Variable } from '../emit/module.ts';
import { type Kernel, greatest, least, place } from './kernel.ts';
import { rowPacker } from './packing.ts';
import { RECORD, RECORD_BYTES } from './records.ts';

/** `first` of a row that sees no key. */
const NO_KEYS = 0x7fffffff;

/** A function () that opens the task's block: writes the records and packs the queries. */
export function blockOpener(kernel: Kernel): Callable {
  const { module, variant, element, tiling, frame, task, scratch } = kernel;
  const { rows } = tiling;
  const packQuery = rowPacker(kernel, {
    depth: variant.headDim,
    step: rows * element.bytes,
    scaled: true,
  });
  const queryBytes = variant.headDim * element.bytes;
  const queryRow = (r: Code): Code => {
    const base = i32.add(task.scratch, int(scratch.query));
    const group = i32.sub(r, i32.remU(r, int(rows)));
    return i32.add(place(base, group, queryBytes), element.size(i32.remU(r, int(rows))));
  };

  return module.function({ parameters: [] }, (body) => {
    const r = body.local('i32');
    const record = body.local('i32');
    const row = body.local('i32');
    const index = body.local('i32');
    const head = body.local('i32');
    const set = (field: keyof typeof RECORD, value: Code): Code => i32.store(record, value, RECORD[field]);
    const rowOf = (batch: Code, headStep: Code, rowStep: Code, base: Code): Code =>
      place(place(place(base, task.batch, batch), head, headStep), index, rowStep);
    return [
      task.firstKey.set(int(NO_KEYS)),
      task.endKey.set(int(0)),
      // Rows past the last one, of the last register tile: records and queries of 0.
      memoryFill(i32.add(task.scratch, int(scratch.records)), int(0), int(tiling.blockRows * RECORD_BYTES)),
      memoryFill(i32.add(task.scratch, int(scratch.query)), int(0), int(tiling.blockRows * queryBytes)),
      record.set(i32.add(task.scratch, int(scratch.records))),
      count(r, int(0), task.count, 1, [
        row.set(i32.add(task.firstRow, r)),
        index.set(i32.divU(row, frame.integer('group'))),
        head.set(place(i32.remU(row, frame.integer('group')), task.kvHead, frame.integer('group'))),
        set('index', index),
        set('head', head),
        set(
          'place',
          place(index, place(head, task.batch, frame.integer('heads')), frame.integer('queryLength')),
        ),
        set(
          'output',
          rowOf(
            frame.integer('outputBatch'),
            frame.integer('outputHead'),
            frame.integer('outputRow'),
            frame.integer('output'),
          ),
        ),
        range(kernel, body, record, index),
        terms(kernel, record, head, index),
        set(
          'bad',
          packQuery(
            rowOf(
              frame.integer('queryBatch'),
              frame.integer('queryHead'),
              frame.integer('queryRow'),
              frame.integer('query'),
            ),
            queryRow(r),
          ),
        ),
        record.set(i32.add(record, int(RECORD_BYTES))),
      ]),
      // The others see nothing.
      count(r, task.count, int(tiling.blockRows), 1, [
        set('first', int(NO_KEYS)),
        record.set(i32.add(record, int(RECORD_BYTES))),
      ]),
    ];
  });
}

/** Which keys a row sees: SPEC.md, clauses `alignment`, `causal`, `window` and `lengths`. In f64, which cannot wrap. */
function range(kernel: Kernel, body: Body, record: Variable, index: Code): Code {
  const { variant, frame, task } = kernel;
  const first = body.local('i32');
  const end = body.local('i32');
  const position = body.local('f64');
  const keyLength = body.local('i32');
  const queryLength = body.local('i32');
  const perBatch = (field: 'keyLengths' | 'queryLengths' | 'offsets'): Code =>
    i32.load(place(frame.integer(field), task.batch, 4));
  const offset = (): Code => {
    if (variant.alignment === 'offset') return perBatch('offsets');
    return variant.alignment === 'bottomRight' ? i32.sub(keyLength, queryLength) : int(0);
  };
  const clamped = (value: Code): Code =>
    convert.i32FromF64U(f64.min(f64.max(value, f64.const(0)), convert.f64FromI32(keyLength)));
  return [
    keyLength.set(variant.keyLengths ? perBatch('keyLengths') : frame.integer('keyLength')),
    queryLength.set(variant.queryLengths ? perBatch('queryLengths') : frame.integer('queryLength')),
    first.set(int(0)),
    end.set(keyLength),
    variant.ranged || variant.alibi
      ? position.set(f64.add(convert.f64FromI32(index), convert.f64FromI32(offset())))
      : [],
    variant.ranged
      ? [
          first.set(clamped(f64.sub(position, frame.float('left')))),
          end.set(clamped(f64.add(f64.add(position, frame.float('right')), f64.const(1)))),
        ]
      : [],
    variant.queryLengths ? end.set(select(end, int(0), i32.ltS(index, queryLength))) : [],
    when(
      i32.geS(first, end),
      [first.set(int(NO_KEYS)), end.set(int(0))],
      [task.firstKey.set(least(task.firstKey, first)), task.endKey.set(greatest(task.endKey, end))],
    ),
    i32.store(record, first, RECORD.first),
    i32.store(record, end, RECORD.end),
    f64.store(record, position, RECORD.position),
  ];
}

/** Where a row finds what is added to its scores, and what it begins with. */
function terms(kernel: Kernel, record: Variable, head: Code, index: Code): Code {
  const { variant, element, parts, frame, task } = kernel;
  const { scalar } = element;
  const start = (name: 'mask' | 'bias', base: Code): Code =>
    place(
      place(place(base, task.batch, frame.integer(`${name}Batch`)), head, frame.integer(`${name}Head`)),
      index,
      frame.integer(`${name}Row`),
    );
  const segment = (): Code =>
    place(frame.integer('querySegments'), place(index, task.batch, frame.integer('queryLength')), 4);
  return [
    variant.mask !== null ? i32.store(record, start('mask', frame.integer('mask')), RECORD.mask) : [],
    variant.bias ? i32.store(record, start('bias', frame.integer('bias')), RECORD.bias) : [],
    variant.bias && variant.pass === 'gradient'
      ? i32.store(record, start('bias', frame.integer('dBias')), RECORD.dBias)
      : [],
    variant.segments ? i32.store(record, i32.load(segment()), RECORD.segment) : [],
    variant.alibi
      ? scalar.store(
          record,
          scalar.load(place(frame.integer('alibiSlopes'), head, element.bytes)),
          RECORD.slope,
        )
      : [],
    parts.softmax ? scalar.store(record, scalar.const(-Infinity), RECORD.max) : [],
    i32.store(record, int(-1), RECORD.choice),
    f64.store(record, f64.const(-Infinity), RECORD.best),
  ];
}

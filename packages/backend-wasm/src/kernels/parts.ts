import type { Code } from '../emit/code.ts';
import { count, when } from '../emit/control.ts';
import { i32, int, memoryCopy, memoryFill, v128 } from '../emit/instructions.ts';
import type { Body, Callable, Variable } from '../emit/module.ts';
import type { Element } from './element.ts';
import { exponential } from './exponential.ts';
import { rowFinisher } from './finish.ts';
import { type Kernel, place } from './kernel.ts';
import { RECORD, RECORD_BYTES } from './records.ts';
import { blockOpener } from './rows.ts';
import { openTask } from './tasks.ts';
import type { Tiling } from './tiling.ts';

/*
 * Few query rows with many keys: parts of the keys are tasks of their own, and their results are merged ("Flash-Decoding
 * for long-context inference", Dao, Haziza, Massa and Sizov 2023). Where parts begin depends on no length, how many
 * there are on that of the keys.
 */

/** Row maximum, row sum; then the output, relative to the maximum. */
const SUM = 8;
const OUTPUT = 16;

/** Bytes that a row of a part takes. */
export function partialBytes(tiling: Tiling, element: Element, sumsValues: boolean): number {
  return OUTPUT + (sumsValues ? tiling.valueColumns * element.bytes : 0);
}

/** Address of what part `part` made of row r of the task's block. */
function partial({ element, tiling, parts, frame, task }: Kernel, r: Code, part: Code): Code {
  const row = i32.add(i32.mul(task.slot, frame.integer('rows')), i32.add(task.firstRow, r));
  return place(
    frame.integer('partials'),
    i32.add(i32.mul(row, frame.integer('parts')), part),
    partialBytes(tiling, element, parts.sumsValues),
  );
}

/** A function () that puts away what the task's part made of the rows of its block. */
export function partialWriter(kernel: Kernel): Callable {
  const { module, element, tiling, parts, task, scratch } = kernel;
  const { scalar, bytes } = element;
  const rowBytes = tiling.valueColumns * bytes;
  return module.function({ parameters: [] }, (body) => {
    const r = body.local('i32');
    const record = body.local('i32');
    const to = body.local('i32');
    return count(r, int(0), task.count, 1, [
      record.set(place(i32.add(task.scratch, int(scratch.records)), r, RECORD_BYTES)),
      to.set(partial(kernel, r, task.part)),
      scalar.store(to, scalar.load(record, RECORD.max)),
      scalar.store(to, scalar.load(record, RECORD.sum), SUM),
      parts.sumsValues
        ? memoryCopy(
            i32.add(to, int(OUTPUT)),
            place(i32.add(task.scratch, int(scratch.output)), r, rowBytes),
            int(rowBytes),
          )
        : [],
    ]);
  });
}

/** Phase `merge` (task: block of query rows of a key/value head): the rows of all parts together. */
export function mergePhase(kernel: Kernel): void {
  const { module, element, tiling, parts, task, scratch } = kernel;
  const open = blockOpener(kernel);
  const finish = rowFinisher(kernel);
  const rowBytes = tiling.valueColumns * element.bytes;
  const parameters = ['i32', 'i32', 'i32'] as const;
  module.function({ parameters, name: 'merge' }, (body, index, frame, threadScratch) => {
    const r = body.local('i32');
    const record = body.local('i32');
    const output = body.local('i32');
    return [
      openTask(kernel, index!, frame!, threadScratch!, int(1)),
      open(),
      parts.sumsValues
        ? memoryFill(i32.add(task.scratch, int(scratch.output)), int(0), int(tiling.blockRows * rowBytes))
        : [],
      count(r, int(0), task.count, 1, [
        record.set(place(i32.add(task.scratch, int(scratch.records)), r, RECORD_BYTES)),
        output.set(place(i32.add(task.scratch, int(scratch.output)), r, rowBytes)),
        mergeRow(kernel, body, { r, record, output }),
      ]),
      finish(),
    ];
  });
}

function mergeRow(
  kernel: Kernel,
  body: Body,
  { r, record, output }: Readonly<Record<'r' | 'record' | 'output', Variable>>,
): Code {
  const { element, tiling, parts, frame } = kernel;
  const { scalar, vector, type } = element;
  const part = body.local('i32');
  const end = body.local('i32');
  const from = body.local('i32');
  const column = body.local('i32');
  const max = body.local(type);
  const sum = body.local(type);
  const share = body.local('v128');
  const exp = exponential(element, body);
  const eachPart = (code: Code): Code =>
    count(part, int(0), end, 1, [from.set(partial(kernel, r, part)), code]);
  const to = i32.add(output, column);
  const addOutput = count(column, int(0), int(tiling.valueColumns * element.bytes), 16, [
    v128.store(to, element.madd(v128.load(i32.add(from, column), OUTPUT), share, v128.load(to))),
  ]);
  return [
    exp.prepare,
    end.set(frame.integer('parts')),
    max.set(scalar.const(-Infinity)),
    sum.set(scalar.const(0)),
    eachPart(max.set(scalar.max(max, scalar.load(from)))),
    // Parts without keys that the row attends to have nothing to say.
    eachPart(
      when(scalar.ne(scalar.load(from, SUM), scalar.const(0)), [
        share.set(vector.splat(scalar.sub(scalar.load(from), max))),
        share.set(exp.of(share)),
        sum.set(scalar.add(sum, scalar.mul(scalar.load(from, SUM), vector.extract(share, 0)))),
        parts.sumsValues ? addOutput : [],
      ]),
    ),
    scalar.store(record, max, RECORD.max),
    scalar.store(record, sum, RECORD.sum),
  ];
}

import type { Code } from '../emit/code.ts';
import { count, when, whileTrue } from '../emit/control.ts';
import { i32, int, memoryFill, v128 } from '../emit/instructions.ts';
import type { Callable } from '../emit/module.ts';
import { rowFinisher } from './finish.ts';
import { type Kernel, least, place } from './kernel.ts';
import { multiplyTile } from './multiply.ts';
import { RECORD_BYTES, blockOpener } from './rows.ts';
import { groupScorer } from './scores.ts';
import { onlineSoftmax } from './softmax.ts';
import { TILE_KEYS } from './tiling.ts';

/**
 * Phase `attend` (task: block of query rows, part of the keys, key/value head).
 *
 * One pass over tiles of keys for each block of query rows (Dao, Fu, Ermon, Rudra and Ré, "FlashAttention", NeurIPS
 * 2022, algorithm 1; with the queries in the outer loop and one division at the end as in Dao, "FlashAttention-2", 2023,
 * section 3.1). Keys and values of a tile stay in the second-level cache for all rows of the block; the scores of one
 * group of rows, as many as a register tile has, stay in the first-level cache between product and softmax and values.
 */
export function attendPhase(kernel: Kernel): void {
  const { module, parts, element, tiling, task, scratch } = kernel;
  const open = blockOpener(kernel);
  const openTile = tileOpener(kernel);
  const score = groupScorer(kernel);
  const softmax = parts.softmax ? onlineSoftmax(kernel) : null;
  const addValues = parts.sumsValues ? valueAdder(kernel) : null;
  const finish = rowFinisher(kernel);
  const outputBytes = tiling.blockRows * tiling.valueColumns * element.bytes;

  module.function(
    { parameters: ['i32', 'i32', 'i32'], name: 'attend' },
    (body, index, frame, threadScratch) => {
      const tile = body.local('i32');
      const end = body.local('i32');
      const group = body.local('i32');
      const record = body.local('i32');
      const scores = body.local('i32');
      const r = body.local('i32');
      const factor = body.local('i32');
      const at = (place: number): Code => i32.add(task.scratch, int(place));
      const absorb = (): Code => [
        record.set(i32.add(at(scratch.records), i32.mul(group, int(RECORD_BYTES)))),
        scores.set(i32.add(at(scratch.scores), element.size(task.from))),
        factor.set(at(scratch.factors)),
        count(r, int(0), int(tiling.rows), 1, [
          softmax!(record, scores, i32.add(scores, element.size(i32.sub(task.to, task.from))), factor),
          record.set(i32.add(record, int(RECORD_BYTES))),
          scores.set(i32.add(scores, int(tiling.scoreStride * element.bytes))),
          factor.set(i32.add(factor, int(element.bytes))),
        ]),
      ];
      return [
        openTask(kernel, index!, frame!, threadScratch!),
        open(),
        parts.sumsValues ? memoryFill(at(scratch.output), int(0), int(outputBytes)) : [],
        tile.set(i32.sub(task.firstKey, i32.remU(task.firstKey, int(TILE_KEYS)))),
        end.set(task.endKey),
        whileTrue(i32.ltS(tile, end), [
          openTile(tile),
          count(group, int(0), task.count, tiling.rows, [
            when(score(group, tile), [
              softmax === null ? [] : absorb(),
              addValues === null ? [] : addValues(group),
            ]),
          ]),
          tile.set(i32.add(tile, int(TILE_KEYS))),
        ]),
        finish(),
      ];
    },
  );
}

/** Finds out what the task is about. */
export function openTask({ frame, task }: Kernel, index: Code, frameAddress: Code, scratch: Code): Code {
  const head = i32.divU(index, frame.integer('blocks'));
  const block = i32.remU(index, frame.integer('blocks'));
  return [
    task.frame.set(frameAddress),
    task.scratch.set(scratch),
    task.batch.set(i32.divU(head, frame.integer('kvHeads'))),
    task.kvHead.set(i32.remU(head, frame.integer('kvHeads'))),
    task.slot.set(i32.remU(head, frame.integer('slots'))),
    task.firstRow.set(i32.mul(block, frame.integer('blockRows'))),
    task.count.set(i32.sub(frame.integer('rows'), task.firstRow)),
    task.count.set(least(task.count, frame.integer('blockRows'))),
  ];
}

/** A function (tile) that turns to the tile of keys that begins at key `tile`. */
function tileOpener({ module, variant, element, tiling, frame, task }: Kernel): Callable {
  const packed = (name: 'packedKey' | 'packedValue' | 'bad', index: Code, size: number): Code =>
    place(place(frame.integer(name), task.slot, frame.integer(`${name}Slot`)), index, size);
  return module.function({ parameters: ['i32'] }, (body, tile) => {
    const bad = body.local('v128');
    return [
      task.keyAt.set(packed('packedKey', tile!, variant.headDim * element.bytes)),
      task.valueAt.set(packed('packedValue', tile!, tiling.valueColumns * element.bytes)),
      task.badAt.set(packed('bad', tile!, 1)),
      Array.from({ length: TILE_KEYS / 16 }, (_, n) => bad.set(v128.or(bad, v128.load(task.badAt, 16 * n)))),
      task.tileBad.set(v128.anyTrue(bad)),
    ];
  });
}

/** A function (group) that adds the values of the open tile, by the exponentials of a group of rows, to its output. */
function valueAdder({ module, element, tiling, task, scratch }: Kernel): Callable {
  const { rows, columns, valueColumns, scoreStride } = tiling;
  const { bytes } = element;
  const multiply = multiplyTile(module, element, {
    rows,
    aRow: scoreStride * bytes,
    aStep: bytes,
    bStep: valueColumns * bytes,
    cRow: valueColumns * bytes,
    begin: 'scaled',
  });
  return module.function({ parameters: ['i32'] }, (body, group) => {
    const column = body.local('i32');
    const weights = body.local('i32');
    const end = body.local('i32');
    const values = body.local('i32');
    const output = body.local('i32');
    const at = (place: number): Code => i32.add(task.scratch, int(place));
    return [
      weights.set(at(scratch.scores)),
      end.set(i32.add(weights, element.size(task.to))),
      weights.set(i32.add(weights, element.size(task.from))),
      values.set(place(task.valueAt, task.from, valueColumns * bytes)),
      output.set(place(at(scratch.output), group!, valueColumns * bytes)),
      count(column, int(0), int(valueColumns * bytes), columns * bytes, [
        multiply(weights, i32.add(values, column), i32.add(output, column), end, at(scratch.factors)),
      ]),
    ];
  });
}

import type { Code } from '../emit/code.ts';
import { count, when, whileTrue } from '../emit/control.ts';
import { i32, int, memoryFill } from '../emit/instructions.ts';
import type { Variable } from '../emit/module.ts';
import { directAbsorber, directMultiplier } from './direct.ts';
import { rowFinisher } from './finish.ts';
import { type Kernel, greatest, least } from './kernel.ts';
import { partialWriter } from './parts.ts';
import { RECORD_BYTES } from './records.ts';
import { blockOpener } from './rows.ts';
import { groupScorer, panelMultiplier } from './scores.ts';
import { candidateChooser } from './selection.ts';
import { onlineSoftmax } from './softmax.ts';
import { openTask } from './tasks.ts';
import { tileOpener } from './tiles.ts';
import { valueAdder } from './values.ts';
import { scoreKeeper } from './weights.ts';

/**
 * Phase `attend` (task: block of query rows, part of the keys, key/value head).
 *
 * One pass over tiles of keys for each block of query rows (Dao, Fu, Ermon, Rudra and Ré, "FlashAttention", NeurIPS
 * 2022, algorithm 1; with the queries in the outer loop and one division at the end as in Dao, "FlashAttention-2", 2023,
 * section 3.1). Keys and values of a tile stay in the second-level cache for all rows of the block; the scores of one
 * group of rows, as many as a register tile has, stay in the first-level cache between product and softmax and values.
 */
export function attendPhase(kernel: Kernel): void {
  const { module, variant, parts, element, tiling, task, scratch } = kernel;
  const soft = variant.selection === 'softmax';
  const open = blockOpener(kernel);
  const openTile = tileOpener(kernel);
  const score = groupScorer(kernel, variant.direct ? directMultiplier(kernel) : panelMultiplier(kernel));
  const softmax = parts.softmax ? onlineSoftmax(kernel) : null;
  const addValues = parts.sumsValues && !variant.direct ? valueAdder(kernel) : null;
  const absorbDirectly = parts.sumsValues && variant.direct ? directAbsorber(kernel, score, softmax!) : null;
  const choose = soft ? null : candidateChooser(kernel);
  const keepScores = soft && parts.wants('weights') ? scoreKeeper(kernel) : null;
  const finish = variant.split ? partialWriter(kernel) : rowFinisher(kernel);
  const parameters = ['i32', 'i32', 'i32'] as const;

  module.function({ parameters, name: 'attend' }, (body, index, frame, threadScratch) => {
    const tile = body.local('i32');
    const end = body.local('i32');
    const group = body.local('i32');
    const record = body.local('i32');
    const scores = body.local('i32');
    const r = body.local('i32');
    const at = (start: number): Code => i32.add(task.scratch, int(start));
    /** For each row of the group; `scores` is where the tile's first key lies. */
    const eachRow = (code: Code): Code => [
      record.set(i32.add(at(scratch.records), i32.mul(group, int(RECORD_BYTES)))),
      scores.set(at(scratch.scores)),
      count(r, int(0), int(tiling.rows), 1, [
        code,
        record.set(i32.add(record, int(RECORD_BYTES))),
        scores.set(i32.add(scores, int(tiling.scoreStride * element.bytes))),
      ]),
    ];
    // Rows past the last one, of the last register tile, have no place among the weights.
    const isRow = i32.ltU(i32.add(group, r), task.count);
    const takeIn = [
      choose === null ? [] : eachRow(choose(record, scores, tile)),
      softmax === null
        ? []
        : softmax(
            i32.add(at(scratch.records), i32.mul(group, int(RECORD_BYTES))),
            i32.add(at(scratch.scores), element.size(task.from)),
            i32.add(at(scratch.scores), element.size(task.to)),
            at(scratch.factors),
          ),
    ];
    const absorb = [
      keepScores === null ? [] : eachRow(when(isRow, keepScores(record, scores, tile))),
      absorbDirectly === null
        ? [takeIn, addValues === null ? [] : addValues(group)]
        : absorbDirectly(group, tile),
    ];
    const outputBytes = tiling.blockRows * tiling.valueColumns * element.bytes;
    return [
      openTask(
        kernel,
        index!,
        frame!,
        threadScratch!,
        variant.split ? kernel.frame.integer('parts') : int(1),
      ),
      open(),
      parts.sumsValues ? memoryFill(at(scratch.output), int(0), int(outputBytes)) : [],
      variant.split ? ownPart(kernel, end) : end.set(task.endKey),
      tile.set(i32.sub(task.firstKey, i32.remU(task.firstKey, int(tiling.tileKeys)))),
      whileTrue(i32.ltS(tile, end), [
        openTile(tile),
        count(group, int(0), task.count, tiling.rows, when(score(group, tile), absorb)),
        tile.set(i32.add(tile, int(tiling.tileKeys))),
      ]),
      finish(),
    ];
  });
}

/** Of the keys that the block sees, those of the task's part. */
function ownPart({ frame, task }: Kernel, end: Variable): Code {
  const first = i32.mul(task.part, frame.integer('partKeys'));
  return [
    end.set(i32.add(first, frame.integer('partKeys'))),
    end.set(least(end, task.endKey)),
    task.firstKey.set(greatest(task.firstKey, first)),
  ];
}

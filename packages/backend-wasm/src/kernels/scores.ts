import type { Code } from '../emit/code.ts';
import { returnNow, when } from '../emit/control.ts';
import { i32, int } from '../emit/instructions.ts';
import type { Body, Callable, Variable } from '../emit/module.ts';
import { type Kernel, greatest, least, place } from './kernel.ts';
import { multiplyTiles } from './multiply.ts';
import { RECORD, RECORD_BYTES } from './records.ts';
import { scoreSteps } from './score-steps.ts';

/** A function of `multiply.ts` for rows packed [depth, rows] and columns packed [depth, columns]: (rows, columns, to, rowsEnd). */
export function panelMultiplier({ module, element, tiling }: Kernel): Callable {
  const { rows, columns, scoreStride } = tiling;
  return multiplyTiles(module, element, {
    rows,
    aRow: element.bytes,
    aStep: rows * element.bytes,
    bStep: columns * element.bytes,
    bTiles: 'panels',
    cRow: scoreStride * element.bytes,
    begin: 'zero',
  });
}

/**
 * A function (group, tile) → i32: the scores of a group of rows, by the number of its first row in the block, with the
 * keys of the open tile that begins at key `tile`. −∞ means excluded, and NaN that the key is attended to and not
 * finite. It sets `from` and `to` of the task, and returns whether any row may see any key; if not, nothing is written.
 */
export function groupScorer(kernel: Kernel, multiply: Callable): Callable {
  const { module, variant, parts, element, tiling, frame, task, scratch } = kernel;
  const { rows, scoreStride } = tiling;
  const queryBytes = variant.headDim * element.bytes;
  const steps = scoreSteps(kernel);

  return module.function({ parameters: ['i32', 'i32'], result: 'i32' }, (body, group, tile) => {
    const query = body.local('i32');
    const record = body.local('i32');
    const scores = body.local('i32');
    const packed = multiply(
      query,
      place(task.keyAt, task.from, queryBytes),
      i32.add(scores, element.size(task.from)),
      i32.add(query, int(rows * queryBytes)),
      i32.add(scores, element.size(task.to)),
      int(0),
    );
    const direct = multiply(query, task.keyAt, scores, i32.sub(frame.integer('keyLength'), tile!));
    const eachRow = Array.from({ length: rows }, (_, r) =>
      steps(
        i32.add(record, int(r * RECORD_BYTES)),
        i32.add(scores, int(r * scoreStride * element.bytes)),
        tile!,
      ),
    );
    return [
      record.set(i32.add(task.scratch, place(int(scratch.records), group!, RECORD_BYTES))),
      panels(kernel, record, tile!),
      query.set(i32.add(task.scratch, place(int(scratch.query), group!, queryBytes))),
      scores.set(i32.add(task.scratch, int(scratch.scores))),
      // The gradient keeps the scores of all rows of the block.
      variant.pass === 'gradient' ? scores.set(place(scores, group!, scoreStride * element.bytes)) : [],
      when(i32.geS(task.from, task.to), [int(0), returnNow]),
      variant.direct ? direct : packed,
      parts.steps ? eachRow : when(needsSteps(kernel, body, record, tile!), eachRow),
      int(1),
    ];
  });
}

/**
 * Sets `from` and `to` to the register tiles that hold the keys that some row of the group sees. The gradient, which
 * sums over the rows of the block, takes the whole tile.
 */
function panels(kernel: Kernel, record: Code, tile: Code): Code {
  const { variant, tiling, task } = kernel;
  const { rows, columns } = tiling;
  const over = (target: Variable, field: 'first' | 'end', choose: typeof least): Code =>
    Array.from({ length: rows }, (_, r) => {
      const next = i32.load(record, r * RECORD_BYTES + RECORD[field]);
      return target.set(r === 0 ? next : choose(target, next));
    });
  return [
    over(task.from, 'first', least),
    task.from.set(i32.sub(task.from, tile)),
    task.from.set(i32.and(greatest(task.from, int(0)), int(-columns))),
    over(task.to, 'end', greatest),
    task.to.set(i32.sub(task.to, tile)),
    task.to.set(least(task.to, int(tiling.tileKeys))),
    task.to.set(i32.and(i32.add(task.to, int(columns - 1)), int(-columns))),
    variant.pass === 'gradient'
      ? when(i32.ltS(task.from, task.to), [task.from.set(int(0)), task.to.set(tileWidth(kernel, tile))])
      : [],
  ];
}

/** Whether a row of the group does not see all of the keys from … to, or something is not finite. */
function needsSteps({ tiling, task }: Kernel, body: Body, record: Code, tile: Code): Code {
  const needed = body.local('i32');
  const first = i32.add(tile, task.from);
  const end = i32.add(tile, task.to);
  const ofRow = (r: number): Code => {
    const field = (name: 'first' | 'end' | 'bad'): Code => i32.load(record, r * RECORD_BYTES + RECORD[name]);
    return i32.or(field('bad'), i32.or(i32.gtS(field('first'), first), i32.ltS(field('end'), end)));
  };
  return [
    needed.set(task.tileBad),
    Array.from({ length: tiling.rows }, (_, r) => needed.set(i32.or(needed, ofRow(r)))),
    needed,
  ];
}

/** Keys of a tile, in whole register tiles. */
export function tileWidth({ tiling, frame }: Kernel, tile: Code): Code {
  const keys = i32.sub(frame.integer('keyLength'), tile);
  const whole = i32.and(i32.add(keys, int(tiling.columns - 1)), int(-tiling.columns));
  return least(whole, int(tiling.tileKeys));
}

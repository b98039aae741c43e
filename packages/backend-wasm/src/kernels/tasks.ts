import type { Code } from '../emit/code.ts';
import { i32, int } from '../emit/instructions.ts';
import type { Variable } from '../emit/module.ts';
import { type Kernel, least } from './kernel.ts';

/**
 * Finds out what the task is about: a block of query rows, one of so many parts of the keys, a key/value head. The last
 * blocks, which see most when causal, come first.
 */
export function openTask(
  { frame, task }: Kernel,
  index: Variable,
  frameAddress: Code,
  scratch: Code,
  parts: Code,
): Code {
  const blocks = frame.integer('blocks');
  const block = i32.sub(i32.sub(blocks, int(1)), i32.remU(index, blocks));
  const head = i32.divU(i32.divU(index, blocks), parts);
  return [
    task.frame.set(frameAddress),
    task.scratch.set(scratch),
    task.part.set(i32.remU(i32.divU(index, blocks), parts)),
    task.batch.set(i32.divU(head, frame.integer('kvHeads'))),
    task.kvHead.set(i32.remU(head, frame.integer('kvHeads'))),
    task.slot.set(i32.remU(head, frame.integer('slots'))),
    task.firstRow.set(i32.mul(block, frame.integer('blockRows'))),
    task.count.set(i32.sub(frame.integer('rows'), task.firstRow)),
    task.count.set(least(task.count, frame.integer('blockRows'))),
  ];
}

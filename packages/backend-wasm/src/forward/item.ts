import { type Block, type Code, type Variable, i32, int } from '@heed/core/wasm';
import { type Context, minimum } from '../module/context.ts';
import { openRing } from '../module/ring.ts';

/**
 * Finds out the item's work: a block of query rows, one of so many splits of the keys, a key/value head. The last
 * blocks, which see most when causal, come first.
 */
export function openItem(
  context: Context,
  index: Variable<'i32'>,
  frameAddress: Code<'i32'>,
  scratch: Code<'i32'>,
  splits: Code<'i32'>,
): Block {
  const { frame, item } = context;
  const blocks = frame.integer('blocks');
  const block = i32.sub(i32.sub(blocks, int(1)), i32.remU(index, blocks));
  const rest = i32.divU(index, blocks);
  // In place, heads take turns at a split: their rows of a page are neighbors in memory.
  const { direct } = context.variant;
  const split = direct ? i32.divU(rest, frame.integer('slots')) : i32.remU(rest, splits);
  const head = direct ? i32.remU(rest, frame.integer('slots')) : i32.divU(rest, splits);
  return [
    item.frame.set(frameAddress),
    item.scratch.set(scratch),
    item.split.set(split),
    item.batch.set(i32.divU(head, frame.integer('kvHeads'))),
    item.kvHead.set(i32.remU(head, frame.integer('kvHeads'))),
    item.slot.set(i32.remU(head, frame.integer('slots'))),
    item.firstRow.set(i32.mul(block, frame.integer('blockRows'))),
    item.count.set(i32.sub(frame.integer('rows'), item.firstRow)),
    item.count.set(minimum(item.count, frame.integer('blockRows'))),
    openRing(context),
  ];
}
